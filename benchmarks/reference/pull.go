package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// pulled is what pull prints: the floor of any first sync.
type pulled struct {
	Seconds float64        `json:"seconds"`
	Bytes   int64          `json:"bytes"`
	Objects map[string]int `json:"objects"`
}

// pull downloads all that the informers hold, side by side, reads nothing of it, and stays until its input ends.
func pull(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("pull", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the cluster")
	encoding := flags.String("encoding", "protobuf", "json or protobuf")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clusterConfig(*kubeconfig, *encoding)
	if err != nil {
		return err
	}
	ctx, total, group, failed := endWithStdin(ctx), atomic.Int64{}, sync.WaitGroup{}, make(chan error, 3)
	started := time.Now()
	for _, path := range []string{"/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/api/v1/pods"} {
		group.Go(func() {
			length, err := pullOne(ctx, config, path)
			total.Add(length)
			if err != nil {
				failed <- err
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if err := printJSON(pulled{time.Since(started).Seconds(), total.Load(), map[string]int{}}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func pullOne(ctx context.Context, config *rest.Config, path string) (int64, error) {
	client, err := rest.HTTPClientFor(withOwnConnection(config))
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path+"?resourceVersion=0", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", config.AcceptContentTypes)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return io.Copy(io.Discard, response.Body)
}
