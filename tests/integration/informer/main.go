// Command informer keeps compositions with a shared informer of client-go's, and says what it keeps when it is asked.
//
// For each line of its standard input it prints one line of JSON, and ends with its standard input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

var compositions = schema.GroupVersionResource{
	Group: "kubediscovery.cloudark.io", Version: "v1", Resource: "compositions",
}

// report is what there is to say.
type report struct {
	Synced   bool      `json:"synced"`
	Version  string    `json:"version"`
	Items    []any     `json:"items"`
	Events   []string  `json:"events"`
	Requests []request `json:"requests"`
}

type options struct {
	kubeconfig, namespace, selector string
	metadata                        bool
}

func main() {
	var chosen options
	klog.InitFlags(nil)
	flag.StringVar(&chosen.kubeconfig, "kubeconfig", "", "whom to ask, and as whom")
	flag.StringVar(&chosen.namespace, "namespace", metav1.NamespaceAll, "one namespace; all without")
	flag.StringVar(&chosen.selector, "selector", "", "label selector")
	flag.BoolVar(&chosen.metadata, "metadata", false, "ask for metadata alone")
	flag.Parse()
	if err := run(chosen); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(chosen options) error {
	config, err := clientcmd.BuildConfigFromFlags("", chosen.kubeconfig)
	if err != nil {
		return err
	}
	asked, seen := &requests{}, &events{}
	config.Wrap(asked.wrap)
	informer, err := newInformer(config, chosen)
	if err != nil {
		return err
	}
	if _, err := informer.AddEventHandler(seen); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go informer.RunWithContext(ctx)
	output := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := output.Encode(reportOn(informer, seen, asked)); err != nil {
			return err
		}
	}
	return nil
}

func newInformer(config *rest.Config, chosen options) (cache.SharedIndexInformer, error) {
	tweak := func(asked *metav1.ListOptions) { asked.LabelSelector = chosen.selector }
	if chosen.metadata {
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		return metadatainformer.NewFilteredMetadataInformer(
			client, compositions, chosen.namespace, 0, cache.Indexers{}, tweak,
		).Informer(), nil
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return dynamicinformer.NewFilteredDynamicInformer(
		client, compositions, chosen.namespace, 0, cache.Indexers{}, tweak,
	).Informer(), nil
}

func reportOn(informer cache.SharedIndexInformer, seen *events, asked *requests) report {
	return report{
		Synced:   informer.HasSynced(),
		Version:  informer.LastSyncResourceVersion(),
		Items:    informer.GetStore().List(),
		Events:   seen.all(),
		Requests: asked.all(),
	}
}
