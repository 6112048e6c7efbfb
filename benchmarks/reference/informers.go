package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const byOwner = "owner"

// caches holds all Deployments, ReplicaSets and Pods, the latter two indexed by the UIDs of their owners.
type caches struct {
	deployments, replicaSets, pods cache.SharedIndexInformer
}

// newCaches prepares ordinary shared informers; nothing is asked before sync.
func newCaches(config *rest.Config) (*caches, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	found := &caches{
		deployments: factory.Apps().V1().Deployments().Informer(),
		replicaSets: factory.Apps().V1().ReplicaSets().Informer(),
		pods:        factory.Core().V1().Pods().Informer(),
	}
	for _, informer := range []cache.SharedIndexInformer{found.replicaSets, found.pods} {
		if err := informer.AddIndexers(cache.Indexers{byOwner: ownerUIDs}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// sync starts the informers and waits, without polling, until all are filled. They run until the context ends.
func (c *caches) sync(ctx context.Context) error {
	checkers := []cache.DoneChecker{}
	for _, informer := range []cache.SharedIndexInformer{c.deployments, c.replicaSets, c.pods} {
		go informer.RunWithContext(ctx)
		checkers = append(checkers, informer.HasSyncedChecker())
	}
	if !cache.WaitFor(ctx, "", checkers...) {
		return fmt.Errorf("the informers were not filled: %w", context.Cause(ctx))
	}
	return nil
}

// counts tells how many objects are held, by resource.
func (c *caches) counts() map[string]int {
	return map[string]int{
		"deployments.apps": len(c.deployments.GetStore().ListKeys()),
		"replicasets.apps": len(c.replicaSets.GetStore().ListKeys()),
		"pods":             len(c.pods.GetStore().ListKeys()),
	}
}

func (c *caches) deployment(namespace, name string) (*appsv1.Deployment, bool) {
	found, exists, err := c.deployments.GetStore().GetByKey(namespace + "/" + name)
	if err != nil || !exists {
		return nil, false
	}
	return found.(*appsv1.Deployment), true
}

func (c *caches) replicaSetsOf(owner *appsv1.Deployment) ([]*appsv1.ReplicaSet, error) {
	return owned[*appsv1.ReplicaSet](c.replicaSets, owner)
}

func (c *caches) podsOf(owner *appsv1.ReplicaSet) ([]*corev1.Pod, error) {
	return owned[*corev1.Pod](c.pods, owner)
}

func owned[T metav1.Object](informer cache.SharedIndexInformer, owner metav1.Object) ([]T, error) {
	objects, err := informer.GetIndexer().ByIndex(byOwner, string(owner.GetUID()))
	if err != nil {
		return nil, err
	}
	found := make([]T, 0, len(objects))
	for _, object := range objects {
		if child := object.(T); child.GetNamespace() == owner.GetNamespace() {
			found = append(found, child)
		}
	}
	return found, nil
}

func ownerUIDs(object any) ([]string, error) {
	references := object.(metav1.Object).GetOwnerReferences()
	uids := make([]string, 0, len(references))
	for _, reference := range references {
		uids = append(uids, string(reference.UID))
	}
	return uids, nil
}
