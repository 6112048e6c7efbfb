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
	Replace     bool    `json:"replace"`
	// With etcd's URL only every so many changes go through kube-apiserver; the others are put where it would put
	// them, as it cannot write so many a second beside those that read.
	Etcd    string `json:"etcd"`
	Through int    `json:"through"`
}

// written is a change that was made: when it was sent and when it was answered.
type written struct {
	pod            *corev1.Pod
	sent, answered time.Time
}

// changed is how many changes there were, and in how many seconds: more than planned where kube-apiserver was too slow.
type changed struct {
	Changes int64   `json:"changes"`
	Seconds float64 `json:"seconds"`
}

// run writes the status of one pod after the other, as a kubelet does whose container was restarted: another tree each
// time, until all have had their turn. With Replace it deletes the pod and makes another one, three changes in all.
// Each that went through kube-apiserver is told of, by whoever made it.
func (p changePlan) run(ctx context.Context, tell func(written)) (changed, error) {
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
	each := p.change
	if p.Replace {
		each = p.replace
		p.Rate /= changesOfReplacing
	}
	to := openStorage(p.Etcd)
	numbers, done, group, started := make(chan int), atomic.Int64{}, sync.WaitGroup{}, time.Now()
	for worker := range workers {
		group.Go(func() {
			for number := range numbers {
				if p.Etcd != "" && number%p.Through != 0 {
					if err := put(ctx, to, restarted(pods[number%len(pods)])); err != nil {
						cancel(err)
					}
					done.Add(1)
					continue
				}
				sent := time.Now()
				pod, err := each(ctx, clients[worker%len(clients)], pods[number%len(pods)])
				if err != nil {
					cancel(err)
					continue
				}
				pods[number%len(pods)] = pod
				tell(written{pod, sent, time.Now()})
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
	total := done.Load()
	if p.Replace {
		total *= changesOfReplacing
	}
	return changed{total, time.Since(started).Seconds()}, context.Cause(ctx)
}

// What a watch is told of: a deletion, a creation, and the status.
const changesOfReplacing = 3

// change names no resource version: nobody else writes these pods.
func (p changePlan) change(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (*corev1.Pod, error) {
	return client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, restarted(pod), byKubelet)
}

func restarted(pod *corev1.Pod) *corev1.Pod {
	changed := pod.DeepCopy()
	changed.ResourceVersion = ""
	changed.Status.ContainerStatuses[0].RestartCount = int32(time.Now().Unix())
	return changed
}

// put writes a pod as kube-apiserver stores it.
func put(ctx context.Context, to *storage, pod *corev1.Pod) error {
	each := newRecord(pod, pod, corev1.SchemeGroupVersion)
	value, err := encode(each)
	if err != nil {
		return err
	}
	return to.put(ctx, each.key, value)
}

// replace has the pod replaced by one of another name and UID.
func (p changePlan) replace(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) (*corev1.Pod, error) {
	pods, now := client.CoreV1().Pods(pod.Namespace), int64(0)
	if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		return nil, err
	}
	next := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName:    pod.GenerateName,
			Namespace:       pod.Namespace,
			Labels:          pod.Labels,
			OwnerReferences: pod.OwnerReferences,
		},
		Spec: pod.Spec,
	}
	made, err := pods.Create(ctx, next, asController)
	if err != nil {
		return nil, err
	}
	made.Status = podStatus(made, int(time.Now().UnixNano()&0xfffff))
	return pods.UpdateStatus(ctx, made, byKubelet)
}

// read lists the pods, in an order that leads through all Deployments, far apart.
func (p changePlan) read(ctx context.Context, client kubernetes.Interface) ([]*corev1.Pod, error) {
	listed, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, err
	}
	if len(listed.Items) != p.Deployments*p.Pods {
		return nil, fmt.Errorf("the cluster has %d pods", len(listed.Items))
	}
	found := map[string][]*corev1.Pod{}
	for _, each := range listed.Items {
		found[each.OwnerReferences[0].Name] = append(found[each.OwnerReferences[0].Name], &each)
	}
	pods := []*corev1.Pod{}
	for number := range p.Deployments * p.Pods {
		// A step that has no factor in common with their number.
		w := workload{number: number * 389 % p.Deployments, pods: int32(p.Pods), spread: p.Namespaces}
		siblings := found[w.replicaSet(w.deployment()).Name]
		if number/p.Deployments >= len(siblings) {
			return nil, fmt.Errorf("%s has %d pods", w.name(), len(siblings))
		}
		pods = append(pods, siblings[number/p.Deployments])
	}
	return pods, nil
}
