package main

import (
	"bytes"
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// The form in which kube-apiserver keeps objects in etcd (k8s.io/apiserver, pkg/storage/etcd3/store.go; the folders are
// those of pkg/kubeapiserver/default_storage_factory_builder.go).
const (
	deploymentsFolder = "/registry/deployments"
	replicaSetsFolder = "/registry/replicasets"
	podsFolder        = "/registry/pods"
)

var serializer = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)

// stored is one workload as kube-apiserver stored it.
type stored struct {
	deployment *appsv1.Deployment
	replicaSet *appsv1.ReplicaSet
	pods       []*corev1.Pod
}

// record is an object with the place that it has in etcd.
type record struct {
	key    string
	object runtime.Object
	group  schema.GroupVersion
}

// readStored reads a workload that was written through kube-apiserver.
func readStored(ctx context.Context, from *storage, w workload) (*stored, error) {
	found := &stored{deployment: &appsv1.Deployment{}, replicaSet: &appsv1.ReplicaSet{}}
	for range w.pods {
		found.pods = append(found.pods, &corev1.Pod{})
	}
	names := w.names()
	for number, each := range found.records() {
		value, err := from.get(ctx, folderOf(each.object)+"/"+w.namespace()+"/"+names[number])
		if err != nil {
			return nil, err
		}
		if _, _, err := serializer.Decode(value, nil, each.object); err != nil {
			return nil, err
		}
		written, err := encode(each)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(written, value) {
			return nil, fmt.Errorf("%s: this client-go encodes otherwise than kube-apiserver does", names[number])
		}
	}
	return found, nil
}

// names are those of a workload's objects, in the order of records.
func (w workload) names() []string {
	replicaSet := w.replicaSet(w.deployment())
	names := []string{w.name(), replicaSet.Name}
	for number := range w.pods {
		names = append(names, w.pod(number, replicaSet).Name)
	}
	return names
}

func folderOf(object runtime.Object) string {
	switch object.(type) {
	case *appsv1.Deployment:
		return deploymentsFolder
	case *appsv1.ReplicaSet:
		return replicaSetsFolder
	default:
		return podsFolder
	}
}

func (s *stored) records() []record {
	found := []record{
		newRecord(s.deployment, s.deployment, appsv1.SchemeGroupVersion),
		newRecord(s.replicaSet, s.replicaSet, appsv1.SchemeGroupVersion),
	}
	for _, pod := range s.pods {
		found = append(found, newRecord(pod, pod, corev1.SchemeGroupVersion))
	}
	return found
}

func newRecord(object runtime.Object, named metav1.Object, group schema.GroupVersion) record {
	return record{folderOf(object) + "/" + named.GetNamespace() + "/" + named.GetName(), object, group}
}

func encode(each record) ([]byte, error) {
	return runtime.Encode(scheme.Codecs.EncoderForVersion(serializer, each.group), each.object)
}

// check has the same workload written both ways: it must be the same bytes, but for the moments.
func check(ctx context.Context, to *storage, template *stored, w workload) error {
	right, err := readStored(ctx, to, w)
	if err != nil {
		return err
	}
	now := metav1.Now().Rfc3339Copy()
	right.setTimes(now)
	made := template.like(w, right.uids(), now).records()
	for number, each := range right.records() {
		wanted, err := encode(each)
		if err != nil {
			return err
		}
		found, err := encode(made[number])
		if err != nil {
			return err
		}
		if made[number].key != each.key || !bytes.Equal(found, wanted) {
			return fmt.Errorf("%s is not what kube-apiserver stores:\n%v\n%v", made[number].key, made[number].object, each.object)
		}
	}
	return nil
}

// putAll writes all objects of a workload.
func putAll(ctx context.Context, to *storage, made *stored) error {
	for _, each := range made.records() {
		value, err := encode(each)
		if err != nil {
			return err
		}
		if err := to.put(ctx, each.key, value); err != nil {
			return err
		}
	}
	return nil
}
