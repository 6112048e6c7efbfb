package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const revisionAnnotation = "deployment.kubernetes.io/revision"

// node has the fields of kubediscovery's nodes, as far as these three kinds fill them.
type node struct {
	APIVersion        string      `json:"apiVersion"`
	Kind              string      `json:"kind"`
	Name              string      `json:"name"`
	UID               string      `json:"uid"`
	ResourceVersion   string      `json:"resourceVersion"`
	Health            string      `json:"health"`
	Namespace         string      `json:"namespace"`
	CreationTimestamp metav1.Time `json:"creationTimestamp"`
	Ready             string      `json:"ready"`
	Info              info        `json:"info"`
	Controller        *bool       `json:"controller,omitempty"`
	Children          []*node     `json:"children,omitempty"`
}

type info struct {
	Revision string   `json:"revision,omitempty"`
	Images   []string `json:"images,omitempty"`
	Restarts *int32   `json:"restarts,omitempty"`
	Node     string   `json:"node,omitempty"`
}

type composition struct {
	Kind       string            `json:"kind"`
	APIVersion string            `json:"apiVersion"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	Root       *node             `json:"root"`
	Status     status            `json:"status"`
}

type status struct {
	Health string   `json:"health"`
	Pods   podCount `json:"pods"`
}

type podCount struct {
	Total int `json:"total"`
	Ready int `json:"ready"`
}

// compose builds the tree of one Deployment: its ReplicaSets, and their Pods.
func (c *caches) compose(apiVersion string, deployment *appsv1.Deployment) (*composition, error) {
	root := deploymentNode(deployment)
	replicaSets, err := c.replicaSetsOf(deployment)
	if err != nil {
		return nil, err
	}
	pods := podCount{}
	for _, replicaSet := range replicaSets {
		below := replicaSetNode(deployment, replicaSet)
		owned, err := c.podsOf(replicaSet)
		if err != nil {
			return nil, err
		}
		for _, pod := range owned {
			leaf := podNode(replicaSet, pod)
			below.Children = append(below.Children, leaf)
			pods.Total++
			if leaf.Health == "Healthy" {
				pods.Ready++
			}
		}
		slices.SortFunc(below.Children, byName)
		root.Children = append(root.Children, below)
	}
	slices.SortFunc(root.Children, byName)
	highest, worst := summary(root)
	return &composition{
		Kind:       "Composition",
		APIVersion: apiVersion,
		Metadata: metav1.ObjectMeta{
			Name:              "deployments.apps." + deployment.Name,
			Namespace:         deployment.Namespace,
			UID:               deployment.UID,
			ResourceVersion:   strconv.FormatUint(highest, 10),
			CreationTimestamp: deployment.CreationTimestamp,
			Labels:            deployment.Labels,
		},
		Root:   root,
		Status: status{Health: worst, Pods: pods},
	}, nil
}

func byName(one, other *node) int {
	return cmp.Compare(one.Name, other.Name)
}

// summary gives the highest resource version in a tree, and Healthy only if every node is.
func summary(top *node) (uint64, string) {
	highest, _ := strconv.ParseUint(top.ResourceVersion, 10, 64)
	worst := top.Health
	for _, child := range top.Children {
		version, health := summary(child)
		highest = max(highest, version)
		if health != "Healthy" {
			worst = health
		}
	}
	return highest, worst
}

func newNode(apiVersion, kind string, object metav1.Object, owner metav1.Object) *node {
	made := &node{
		APIVersion:        apiVersion,
		Kind:              kind,
		Name:              object.GetName(),
		UID:               string(object.GetUID()),
		ResourceVersion:   object.GetResourceVersion(),
		Namespace:         object.GetNamespace(),
		CreationTimestamp: object.GetCreationTimestamp(),
	}
	if owner != nil {
		controls := metav1.IsControlledBy(object, owner)
		made.Controller = &controls
	}
	return made
}

func deploymentNode(deployment *appsv1.Deployment) *node {
	made := newNode("apps/v1", "Deployment", deployment, nil)
	desired, state := *deployment.Spec.Replicas, deployment.Status
	made.Ready = fmt.Sprintf("%d/%d", state.ReadyReplicas, desired)
	made.Info = info{Revision: deployment.Annotations[revisionAnnotation], Images: images(deployment.Spec.Template.Spec)}
	observed := state.ObservedGeneration >= deployment.Generation
	made.Health = health(observed && state.UpdatedReplicas == desired && state.AvailableReplicas == desired)
	return made
}

func replicaSetNode(owner *appsv1.Deployment, replicaSet *appsv1.ReplicaSet) *node {
	made := newNode("apps/v1", "ReplicaSet", replicaSet, owner)
	desired, state := *replicaSet.Spec.Replicas, replicaSet.Status
	made.Ready = fmt.Sprintf("%d/%d", state.ReadyReplicas, desired)
	made.Info = info{Revision: replicaSet.Annotations[revisionAnnotation], Images: images(replicaSet.Spec.Template.Spec)}
	made.Health = health(state.ObservedGeneration >= replicaSet.Generation && state.AvailableReplicas == desired)
	return made
}

func podNode(owner *appsv1.ReplicaSet, pod *corev1.Pod) *node {
	made := newNode("v1", "Pod", pod, owner)
	var ready, restarts int32
	for _, container := range pod.Status.ContainerStatuses {
		restarts += container.RestartCount
		if container.Ready {
			ready++
		}
	}
	made.Ready = fmt.Sprintf("%d/%d", ready, len(pod.Spec.Containers))
	made.Info = info{Images: images(pod.Spec), Restarts: &restarts, Node: pod.Spec.NodeName}
	made.Health = health(pod.Status.Phase == corev1.PodRunning && int(ready) == len(pod.Spec.Containers))
	return made
}

func health(isGood bool) string {
	if isGood {
		return "Healthy"
	}
	return "Progressing"
}

func images(spec corev1.PodSpec) []string {
	found := make([]string, 0, len(spec.Containers))
	for _, container := range spec.Containers {
		found = append(found, container.Image)
	}
	return found
}
