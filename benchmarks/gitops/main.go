// Command gitops is gitops-engine's cluster cache as kubediscovery is measured beside it: it reads a cluster, as
// Argo CD's application controller does, and walks the trees.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
)

// question is a line of the standard input: the Deployments to walk from, all of them for none; all in one call or
// one after the other; and how often. With "members" the answer names what was found. Before "free", memory that is
// not needed is given back to the system.
type question struct {
	Deployments []target `json:"deployments"`
	Together    bool     `json:"together"`
	Times       int      `json:"times"`
	Members     bool     `json:"members"`
	Free        bool     `json:"free"`
}

type target struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// walked is a line of the standard output: the milliseconds of each walk, and how many objects one met.
type walked struct {
	Milliseconds []float64 `json:"milliseconds"`
	Objects      int       `json:"objects"`
	Members      []string  `json:"members,omitempty"`
}

// synced is the first line of the standard output.
type synced struct {
	Seconds float64        `json:"seconds"`
	Objects map[string]int `json:"objects"`
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		os.Exit(0)
	}()
	defer stop()
	if err := run(*kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// others are all kinds but those of the servers that are measured: they are down in turn, and no peer reads them.
type others struct{}

func (others) IsExcludedResource(group, _, _ string) bool {
	return strings.HasSuffix(group, "kubediscovery.cloudark.io")
}

func run(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	started := time.Now()
	settings := cache.Settings{ResourceHealthOverride: cache.NewNoopSettings(), ResourcesFilter: others{}}
	held := cache.NewClusterCache(config, cache.SetLogr(logr.Discard()), cache.SetSettings(settings))
	if err := held.EnsureSynced(); err != nil {
		return err
	}
	seconds, output := time.Since(started).Seconds(), json.NewEncoder(os.Stdout)
	if err := output.Encode(synced{seconds, counts(held)}); err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 16<<20)
	for input.Scan() {
		asked := question{}
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			return err
		}
		if err := output.Encode(asked.answer(held)); err != nil {
			return err
		}
	}
	return input.Err()
}

// counts tells how many objects are held, by the names of their kinds.
func counts(held cache.ClusterCache) map[string]int {
	found := map[string]int{}
	for key := range held.FindResources("") {
		found[key.GroupKind().String()]++
	}
	return found
}

func (q question) answer(held cache.ClusterCache) walked {
	if q.Free {
		debug.FreeOSMemory()
	}
	found := walked{Milliseconds: []float64{}}
	calls := q.calls(held)
	for range q.Times {
		for _, keys := range calls {
			started, objects := time.Now(), 0
			held.IterateHierarchyV2(keys, func(*cache.Resource, map[kube.ResourceKey]*cache.Resource) bool {
				objects++
				return true
			})
			found.Milliseconds = append(found.Milliseconds, float64(time.Since(started).Microseconds())/1000)
			found.Objects = objects
		}
	}
	if q.Members && len(calls) > 0 {
		held.IterateHierarchyV2(calls[0], func(each *cache.Resource, _ map[kube.ResourceKey]*cache.Resource) bool {
			found.Members = append(found.Members, string(each.Ref.UID))
			return true
		})
	}
	return found
}

// calls are the keys that each walk starts from.
func (q question) calls(held cache.ClusterCache) [][]kube.ResourceKey {
	keys := []kube.ResourceKey{}
	for _, each := range q.Deployments {
		keys = append(keys, kube.NewResourceKey("apps", "Deployment", each.Namespace, each.Name))
	}
	if len(keys) == 0 {
		for key := range held.FindResources("", func(each *cache.Resource) bool { return each.Ref.Kind == "Deployment" }) {
			keys = append(keys, key)
		}
	}
	if q.Together {
		return [][]kube.ResourceKey{keys}
	}
	calls := [][]kube.ResourceKey{}
	for _, key := range keys {
		calls = append(calls, []kube.ResourceKey{key})
	}
	return calls
}
