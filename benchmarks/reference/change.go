package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// changePlan says which pods are changed: those that fill wrote, so many a second, for so many seconds.
type changePlan struct {
	Kubeconfig  string  `json:"kubeconfig"`
	Deployments int     `json:"deployments"`
	Pods        int     `json:"pods"`
	Namespaces  int     `json:"namespaces"`
	Rate        float64 `json:"rate"`
	Seconds     float64 `json:"seconds"`
}

// changed is how many changes there were, and in how many seconds: more than planned where kube-apiserver was too slow.
type changed struct {
	Changes int64   `json:"changes"`
	Seconds float64 `json:"seconds"`
}

// run writes the status of one pod after the other, as a kubelet does whose container was restarted: another tree each
// time, until all have had their turn.
func (p changePlan) run(ctx context.Context) (changed, error) {
	config, err := clusterConfig(p.Kubeconfig, "protobuf")
	if err != nil {
		return changed{}, err
	}
	clients, err := connect(config)
	if err != nil {
		return changed{}, err
	}
	pods, err := p.read(ctx, clients[0])
	if err != nil {
		return changed{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers, done, group, started := make(chan int), atomic.Int64{}, sync.WaitGroup{}, time.Now()
	for worker := range workers {
		group.Go(func() {
			for number := range numbers {
				if err := p.change(ctx, clients[worker%len(clients)], pods[number%len(pods)]); err != nil {
					cancel(err)
				}
				done.Add(1)
			}
		})
	}
	for number := range int(p.Rate * p.Seconds) {
		time.Sleep(time.Until(started.Add(time.Duration(float64(number) / p.Rate * float64(time.Second)))))
		select {
		case numbers <- number:
		case <-ctx.Done():
		}
	}
	close(numbers)
	group.Wait()
	return changed{done.Load(), time.Since(started).Seconds()}, context.Cause(ctx)
}

// change names no resource version: nobody else writes these pods.
func (p changePlan) change(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) error {
	changed := pod.DeepCopy()
	changed.ResourceVersion = ""
	changed.Status.ContainerStatuses[0].RestartCount = int32(time.Now().Unix())
	_, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, byKubelet)
	return err
}

// read lists the pods of each Deployment.
func (p changePlan) read(ctx context.Context, client kubernetes.Interface) ([]*corev1.Pod, error) {
	listed, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, err
	}
	found := map[string]*corev1.Pod{}
	for _, each := range listed.Items {
		found[each.Namespace+"/"+each.Name] = &each
	}
	pods := []*corev1.Pod{}
	for number := range p.Deployments * p.Pods {
		// A step that has no factor in common with their number leads through all Deployments, far apart.
		w := workload{number: number * 389 % p.Deployments, pods: int32(p.Pods), spread: p.Namespaces}
		name := w.pod(int32(number/p.Deployments), w.replicaSet(w.deployment())).Name
		pod := found[w.namespace()+"/"+name]
		if pod == nil {
			return nil, fmt.Errorf("the cluster has no pod %s/%s", w.namespace(), name)
		}
		pods = append(pods, pod)
	}
	return pods, nil
}
