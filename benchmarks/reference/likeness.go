package main

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// like gives another workload as kube-apiserver would have stored it: all that tells two workloads apart is set anew.
// The uids are in the order of records.
func (s *stored) like(w workload, uids []types.UID, now metav1.Time) *stored {
	made := &stored{deployment: s.deployment.DeepCopy(), replicaSet: s.replicaSet.DeepCopy()}
	likeMetadata(made.deployment, w.deployment(), uids[0], strings.NewReplacer())
	likeDeployment(made.deployment, w)
	likeMetadata(made.replicaSet, w.replicaSet(made.deployment), uids[1], renaming(s.deployment.UID, uids[0]))
	likeReplicaSet(made.replicaSet, w)
	for number, former := range s.pods {
		pod, total := former.DeepCopy(), w.number*int(w.pods)+number
		renamed := renaming(s.replicaSet.UID, uids[1], types.UID(former.Status.PodIP), types.UID(podAddress(total)))
		wanted := w.pod(int32(number), made.replicaSet)
		likeMetadata(pod, wanted, uids[number+2], renamed)
		likePod(pod, wanted, w, podAddress(total))
		made.pods = append(made.pods, pod)
	}
	made.setTimes(now)
	return made
}

func newUIDs(count int32) []types.UID {
	made := []types.UID{}
	for range count {
		made = append(made, uuid.NewUUID())
	}
	return made
}

func (s *stored) uids() []types.UID {
	found := []types.UID{s.deployment.UID, s.replicaSet.UID}
	for _, pod := range s.pods {
		found = append(found, pod.UID)
	}
	return found
}

// renaming is for managedFields, where list items are named by their keys: owners by UID, addresses by themselves.
func renaming(formerAndNew ...types.UID) *strings.Replacer {
	quoted := []string{}
	for _, each := range formerAndNew {
		quoted = append(quoted, fmt.Sprintf(`\"%s\"`, each))
	}
	return strings.NewReplacer(quoted...)
}

func likeMetadata(made, wanted metav1.Object, uid types.UID, renamed *strings.Replacer) {
	made.SetName(wanted.GetName())
	made.SetGenerateName(wanted.GetGenerateName())
	made.SetNamespace(wanted.GetNamespace())
	made.SetLabels(wanted.GetLabels())
	made.SetOwnerReferences(wanted.GetOwnerReferences())
	made.SetUID(uid)
	for _, field := range made.GetManagedFields() {
		field.FieldsV1.Raw = []byte(renamed.Replace(string(field.FieldsV1.Raw)))
	}
}

func likeDeployment(made *appsv1.Deployment, w workload) {
	made.Spec.Selector, made.Spec.Template.Labels = w.deployment().Spec.Selector, w.labels()
	likeImages(&made.Spec.Template.Spec, w)
	made.Status = deploymentStatus(made, w.replicaSet(made).Name)
}

func likeReplicaSet(made *appsv1.ReplicaSet, w workload) {
	made.Spec.Selector, made.Spec.Template.Labels = w.replicaSet(w.deployment()).Spec.Selector, w.podLabels()
	likeImages(&made.Spec.Template.Spec, w)
}

func likePod(made, wanted *corev1.Pod, w workload, address string) {
	made.Spec.NodeName = wanted.Spec.NodeName
	likeImages(&made.Spec, w)
	made.Status.PodIP, made.Status.PodIPs = address, []corev1.PodIP{{IP: address}}
	made.Status.ContainerStatuses = containerStatuses(made, metav1.Now())
}

func likeImages(made *corev1.PodSpec, w workload) {
	for number, container := range w.template(nil).Spec.Containers {
		made.Containers[number].Image = container.Image
	}
}

// setTimes has all of it happen at once.
func (s *stored) setTimes(now metav1.Time) {
	for _, each := range s.records() {
		named := each.object.(metav1.Object)
		named.SetCreationTimestamp(now)
		for number := range named.GetManagedFields() {
			named.GetManagedFields()[number].Time = &now
		}
	}
	for number := range s.deployment.Status.Conditions {
		condition := &s.deployment.Status.Conditions[number]
		condition.LastUpdateTime, condition.LastTransitionTime = now, now
	}
	for _, pod := range s.pods {
		pod.Status.StartTime = &now
		for number := range pod.Status.Conditions {
			pod.Status.Conditions[number].LastTransitionTime = now
		}
		for number := range pod.Status.ContainerStatuses {
			pod.Status.ContainerStatuses[number].State.Running.StartedAt = now
		}
	}
}
