package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// synced is what serve prints once, when the informers are filled.
type synced struct {
	Go       string         `json:"go"`
	Seconds  float64        `json:"seconds"`
	Resident int64          `json:"residentBytes"`
	Objects  map[string]int `json:"objects"`
}

// serve fills informers, says how long that took, and answers trees over TLS until its standard input ends.
func serve(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	encoding := flags.String("encoding", "json", "json or protobuf")
	watchList := flags.Bool("watch-list", true, "fill by watching with initial events, client-go's default; or list")
	port := flags.Int("port", 0, "port on 127.0.0.1")
	certificates := flags.String("cert-dir", "", "directory with tls.crt and tls.key")
	group := flags.String("group", "reference.kubediscovery.cloudark.io", "API group")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	// client-go reads its feature gates from the environment, when it first needs one.
	if err := os.Setenv("KUBE_FEATURE_WatchListClient", strconv.FormatBool(*watchList)); err != nil {
		return err
	}
	config, err := clusterConfig(*kubeconfig, *encoding)
	if err != nil {
		return err
	}
	held, err := newCaches(config)
	if err != nil {
		return err
	}
	ctx = endWithStdin(ctx)
	started := time.Now()
	if err := held.sync(ctx); err != nil {
		return err
	}
	seconds := time.Since(started).Seconds()
	resident, err := residentBytes()
	if err != nil {
		return err
	}
	if err := printJSON(synced{runtime.Version(), seconds, resident, held.counts()}); err != nil {
		return err
	}
	return listen(ctx, fmt.Sprintf("127.0.0.1:%d", *port), *certificates, routes(held, *group))
}

func listen(ctx context.Context, address, certificates string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	err := server.ListenAndServeTLS(filepath.Join(certificates, "tls.crt"), filepath.Join(certificates, "tls.key"))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func routes(held *caches, group string) http.Handler {
	apiVersion := group + "/v1"
	mux := http.NewServeMux()
	// kube-apiserver asks for this to find out whether the API is available.
	mux.HandleFunc("GET /apis/"+apiVersion, func(writer http.ResponseWriter, _ *http.Request) {
		answer(writer, metav1.APIResourceList{
			TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
			GroupVersion: apiVersion,
			APIResources: []metav1.APIResource{},
		})
	})
	path := "GET /apis/" + apiVersion + "/namespaces/{namespace}/deployments/{name}/compositions"
	mux.HandleFunc(path, func(writer http.ResponseWriter, request *http.Request) {
		deployment, exists := held.deployment(request.PathValue("namespace"), request.PathValue("name"))
		if !exists {
			http.NotFound(writer, request)
			return
		}
		found, err := held.compose(apiVersion, deployment)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(writer, found)
	})
	return mux
}

func answer(writer http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	_, _ = writer.Write(body)
}
