package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// workload is one Deployment, its ReplicaSet and its Pods, as a rollout that is done leaves them. All names follow from
// the number, so that two clusters filled alike differ in UIDs and times only.
type workload struct {
	number int
	pods   int32
	spread int
}

func (w workload) name() string      { return fmt.Sprintf("service-%05d", w.number) }
func (w workload) namespace() string { return namespaceName(w.number % w.spread) }
func (w workload) hash() string      { return digest(w.name())[:10] }

func namespaceName(number int) string { return fmt.Sprintf("team-%03d", number) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (w workload) labels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":    w.name(),
		"app.kubernetes.io/part-of": fmt.Sprintf("product-%02d", w.number%50),
	}
}

func (w workload) podLabels() map[string]string {
	labels := w.labels()
	labels[appsv1.DefaultDeploymentUniqueLabelKey] = w.hash()
	return labels
}

func (w workload) deployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name:        w.name(),
			Namespace:   w.namespace(),
			Labels:      w.labels(),
			Annotations: map[string]string{revisionAnnotation: "1"},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &w.pods,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": w.name()}},
			Template: w.template(w.labels()),
		},
	}
}

func (w workload) replicaSet(owner *appsv1.Deployment) *appsv1.ReplicaSet {
	selected := map[string]string{
		"app.kubernetes.io/name":               w.name(),
		appsv1.DefaultDeploymentUniqueLabelKey: w.hash(),
	}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:      w.name() + "-" + w.hash(),
			Namespace: w.namespace(),
			Labels:    w.podLabels(),
			Annotations: map[string]string{
				revisionAnnotation:                          "1",
				"deployment.kubernetes.io/desired-replicas": fmt.Sprint(w.pods),
				"deployment.kubernetes.io/max-replicas":     fmt.Sprint(w.pods + (w.pods+3)/4),
			},
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("Deployment")),
			},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &w.pods,
			Selector: &metav1.LabelSelector{MatchLabels: selected},
			Template: w.template(w.podLabels()),
		},
	}
}

func (w workload) pod(number int32, owner *appsv1.ReplicaSet) *corev1.Pod {
	spec := *owner.Spec.Template.Spec.DeepCopy()
	spec.NodeName = fmt.Sprintf("node-%03d", (w.number*int(w.pods)+int(number))%100)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:         podName(owner.Name, number),
			GenerateName: owner.Name + "-",
			Namespace:    w.namespace(),
			Labels:       w.podLabels(),
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("ReplicaSet")),
			},
		},
		Spec: spec,
	}
}

// podName ends like those that kube-apiserver makes; the number keeps two of a ReplicaSet apart.
func podName(replicaSet string, number int32) string {
	return fmt.Sprintf("%s-%s%02x", replicaSet, digest(fmt.Sprint(replicaSet, number))[:3], number)
}

func (w workload) template(labels map[string]string) corev1.PodTemplateSpec {
	mountsToken := false
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{
			Containers:                   []corev1.Container{w.server(), w.sidecar()},
			AutomountServiceAccountToken: &mountsToken,
		},
	}
}

func (w workload) server() corev1.Container {
	return corev1.Container{
		Name:           "server",
		Image:          fmt.Sprintf("registry.example.com/product-%02d/%s:1.%d.0", w.number%50, w.name(), w.number%17),
		Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		Env:            []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}},
		Resources:      resources("250m", "256Mi"),
		ReadinessProbe: probe("/readyz", 5),
	}
}

func (w workload) sidecar() corev1.Container {
	return corev1.Container{
		Name:           "proxy",
		Image:          "registry.example.com/platform/proxy:2.4.1",
		Env:            []corev1.EnvVar{{Name: "UPSTREAM", Value: "127.0.0.1:8080"}},
		Resources:      resources("50m", "64Mi"),
		ReadinessProbe: probe("/ready", 5),
	}
}

func resources(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

func probe(path string, period int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(8080)}},
		PeriodSeconds: period,
	}
}

func deploymentStatus(deployment *appsv1.Deployment, replicaSet string) appsv1.DeploymentStatus {
	pods, now := *deployment.Spec.Replicas, metav1.Now()
	return appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           pods,
		UpdatedReplicas:    pods,
		ReadyReplicas:      pods,
		AvailableReplicas:  pods,
		Conditions: []appsv1.DeploymentCondition{
			{
				Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue,
				LastUpdateTime: now, LastTransitionTime: now,
				Reason: "MinimumReplicasAvailable", Message: "Deployment has minimum availability.",
			},
			{
				Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue,
				LastUpdateTime: now, LastTransitionTime: now,
				Reason: "NewReplicaSetAvailable", Message: fmt.Sprintf("ReplicaSet %q has successfully progressed.", replicaSet),
			},
		},
	}
}

func replicaSetStatus(replicaSet *appsv1.ReplicaSet) appsv1.ReplicaSetStatus {
	pods := *replicaSet.Spec.Replicas
	return appsv1.ReplicaSetStatus{
		ObservedGeneration:   replicaSet.Generation,
		Replicas:             pods,
		FullyLabeledReplicas: pods,
		ReadyReplicas:        pods,
		AvailableReplicas:    pods,
	}
}

func podStatus(pod *corev1.Pod, number int) corev1.PodStatus {
	now, address := metav1.NewTime(time.Now()), podAddress(number)
	return corev1.PodStatus{
		Phase:             corev1.PodRunning,
		Conditions:        podConditions(now),
		HostIP:            "192.0.2.10",
		HostIPs:           []corev1.HostIP{{IP: "192.0.2.10"}},
		PodIP:             address,
		PodIPs:            []corev1.PodIP{{IP: address}},
		StartTime:         &now,
		QOSClass:          pod.Status.QOSClass,
		ContainerStatuses: containerStatuses(pod, now),
	}
}

func podAddress(number int) string {
	return fmt.Sprintf("10.%d.%d.%d", 64+number>>16, number>>8&255, number&255)
}

func podConditions(now metav1.Time) []corev1.PodCondition {
	conditions := []corev1.PodCondition{}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled,
	} {
		conditions = append(conditions, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now,
		})
	}
	return conditions
}

func containerStatuses(pod *corev1.Pod, now metav1.Time) []corev1.ContainerStatus {
	isStarted := true
	statuses := []corev1.ContainerStatus{}
	for _, container := range pod.Spec.Containers {
		statuses = append(statuses, corev1.ContainerStatus{
			Name:        container.Name,
			Image:       container.Image,
			ImageID:     "registry.example.com/images@sha256:" + digest(container.Image),
			ContainerID: "containerd://" + digest(string(pod.UID)+container.Name),
			Ready:       true,
			Started:     &isStarted,
			State:       corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return statuses
}
