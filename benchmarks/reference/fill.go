package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	connections     = 4
	workers         = 32
	progressSeconds = 5
)

// Who writes what in a real cluster: kube-apiserver derives managedFields from it. It sorts them by second and name
// (k8s.io/apimachinery, pkg/util/managedfields), so that names are in the order of writes: else what it stores of
// two Deployments depends on whether both writes were in one second.
var (
	asUser       = metav1.CreateOptions{FieldManager: "helm"}
	asController = metav1.CreateOptions{FieldManager: "kube-controller-manager"}
	byController = metav1.UpdateOptions{FieldManager: "kube-controller-manager"}
	byKubelet    = metav1.UpdateOptions{FieldManager: "kubelet"}
)

// fill writes Deployments with their ReplicaSets and Pods, and the status of each, into a cluster without controllers.
//
// The first and the last go through kube-apiserver. The others go into etcd as the first one was stored, with other
// names, UIDs and times, once the last one has shown that this makes the same bytes.
func fill(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("fill", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of an administrator")
	deployments := flags.Int("deployments", 1000, "how many Deployments")
	pods := flags.Int("pods", 10, "how many Pods each")
	namespaces := flags.Int("namespaces", 20, "over how many namespaces")
	etcd := flags.String("etcd", "", "URL of the cluster's etcd")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clusterConfig(*kubeconfig, "protobuf")
	if err != nil {
		return err
	}
	clients, err := connect(config)
	if err != nil {
		return err
	}
	for number := range *namespaces {
		if err := makeNamespace(ctx, clients[0], namespaceName(number)); err != nil {
			return err
		}
	}
	workloadOf := func(number int) workload {
		return workload{number: number, pods: int32(*pods), spread: *namespaces}
	}
	first, last := workloadOf(0), workloadOf(*deployments-1)
	for _, each := range []workload{first, last} {
		if err := write(ctx, clients[0], each); err != nil {
			return err
		}
	}
	to := openStorage(*etcd)
	template, err := readStored(ctx, to, first)
	if err != nil {
		return err
	}
	if err := check(ctx, to, template, last); err != nil {
		return err
	}
	loader := &loader{to: to, template: template, total: (*deployments - 2) * (*pods + 2)}
	return loader.run(ctx, 1, *deployments-1, workloadOf)
}

func connect(config *rest.Config) ([]kubernetes.Interface, error) {
	clients := []kubernetes.Interface{}
	for range connections {
		client, err := kubernetes.NewForConfig(withOwnConnection(config))
		if err != nil {
			return nil, err
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// makeNamespace makes the service account too: no controller does, and no pod is admitted without one.
func makeNamespace(ctx context.Context, client kubernetes.Interface, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := client.CoreV1().Namespaces().Create(ctx, namespace, asUser)
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: name}}
	_, err = client.CoreV1().ServiceAccounts(name).Create(ctx, account, asController)
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// loader writes workloads side by side and says on the standard error how fast.
type loader struct {
	to       *storage
	template *stored
	total    int
	written  atomic.Int64
}

func (l *loader) run(ctx context.Context, from, to int, workloadOf func(number int) workload) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := time.Now()
	numbers := make(chan int)
	group := sync.WaitGroup{}
	for range workers {
		group.Go(func() {
			for number := range numbers {
				w := workloadOf(number)
				made := l.template.like(w, newUIDs(w.pods+2), metav1.Now().Rfc3339Copy())
				if err := putAll(ctx, l.to, made); err != nil {
					cancel(err)
				}
				l.written.Add(int64(w.pods + 2))
			}
		})
	}
	go l.report(ctx, started)
	for number := from; number < to; number++ {
		select {
		case numbers <- number:
		case <-ctx.Done():
		}
	}
	close(numbers)
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.say(started)
	return nil
}

func (l *loader) report(ctx context.Context, started time.Time) {
	ticker := time.NewTicker(progressSeconds * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.say(started)
		case <-ctx.Done():
			return
		}
	}
}

func (l *loader) say(started time.Time) {
	seconds, written := time.Since(started).Seconds(), l.written.Load()
	fmt.Fprintf(os.Stderr, "wrote %d of %d objects in %.0f s: %.0f a second\n",
		written, l.total, seconds, float64(written)/seconds)
}

// write writes a workload through kube-apiserver.
func write(ctx context.Context, client kubernetes.Interface, w workload) error {
	deployment, err := client.AppsV1().Deployments(w.namespace()).Create(ctx, w.deployment(), asUser)
	if err != nil {
		return err
	}
	replicaSet, err := client.AppsV1().ReplicaSets(w.namespace()).Create(ctx, w.replicaSet(deployment), asController)
	if err != nil {
		return err
	}
	for number := range w.pods {
		pod, err := client.CoreV1().Pods(w.namespace()).Create(ctx, w.pod(number, replicaSet), asController)
		if err != nil {
			return err
		}
		pod.Status = podStatus(pod, w.number*int(w.pods)+int(number))
		if _, err := client.CoreV1().Pods(w.namespace()).UpdateStatus(ctx, pod, byKubelet); err != nil {
			return err
		}
	}
	replicaSet.Status = replicaSetStatus(replicaSet)
	if _, err := client.AppsV1().ReplicaSets(w.namespace()).UpdateStatus(ctx, replicaSet, byController); err != nil {
		return err
	}
	deployment.Status = deploymentStatus(deployment, replicaSet.Name)
	if _, err := client.AppsV1().Deployments(w.namespace()).UpdateStatus(ctx, deployment, byController); err != nil {
		return err
	}
	return nil
}
