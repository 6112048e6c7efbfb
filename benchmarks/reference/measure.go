package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
)

// target is a set of paths that are asked in turn; without a server, and the file of its CA, they are kube-apiserver's.
type target struct {
	Name   string   `json:"name"`
	Server string   `json:"server"`
	CAFile string   `json:"caFile"`
	Paths  []string `json:"paths"`
}

// plan is what measure reads from its file: rounds of requests to each target in turn, all side by side over as many
// connections, and how many requests go before that untimed.
type plan struct {
	Targets     []target `json:"targets"`
	Rounds      int      `json:"rounds"`
	Requests    int      `json:"requests"`
	Warmup      int      `json:"warmup"`
	Connections int      `json:"connections"`
}

// timing is what measure prints of a target: each request's milliseconds, and the seconds of all its rounds.
type timing struct {
	Milliseconds []float64 `json:"milliseconds"`
	Seconds      float64   `json:"seconds"`
	Bytes        int64     `json:"bytes"`
}

// measure asks each target of a plan in interleaved rounds; any answer but 200 is an error.
func measure(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("measure", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of who asks")
	file := flags.String("plan", "", "file with the plan, JSON")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	content, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	wanted := plan{}
	if err := json.Unmarshal(content, &wanted); err != nil {
		return err
	}
	config, err := clusterConfig(*kubeconfig, "json")
	if err != nil {
		return err
	}
	timings, err := wanted.run(ctx, config)
	if err != nil {
		return err
	}
	return printJSON(timings)
}

func (p plan) run(ctx context.Context, config *rest.Config) (map[string]*timing, error) {
	timings, pools := map[string]*timing{}, map[string]*pool{}
	for _, each := range p.Targets {
		opened, err := open(config, each, p.Connections)
		if err != nil {
			return nil, err
		}
		pools[each.Name], timings[each.Name] = opened, &timing{}
		if err := opened.ask(ctx, p.Warmup, &timing{}); err != nil {
			return nil, err
		}
	}
	for range p.Rounds {
		for _, each := range p.Targets {
			if err := pools[each.Name].ask(ctx, p.Requests, timings[each.Name]); err != nil {
				return nil, err
			}
		}
	}
	return timings, nil
}

// pool is the open connections to one target.
type pool struct {
	urls    []string
	clients []*http.Client
	next    atomic.Int64
}

func open(config *rest.Config, wanted target, connections int) (*pool, error) {
	if wanted.Server != "" {
		config = rest.CopyConfig(config)
		config.Host, config.CAData, config.CAFile = wanted.Server, nil, wanted.CAFile
	}
	opened := &pool{}
	for _, path := range wanted.Paths {
		opened.urls = append(opened.urls, config.Host+path)
	}
	for range connections {
		client, err := rest.HTTPClientFor(withOwnConnection(config))
		if err != nil {
			return nil, err
		}
		opened.clients = append(opened.clients, client)
	}
	return opened, nil
}

// ask sends that many requests over all connections side by side, and adds to the timing.
func (p *pool) ask(ctx context.Context, requests int, total *timing) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]timing, len(p.clients))
	group := sync.WaitGroup{}
	started := time.Now()
	for number, client := range p.clients {
		share := requests / len(p.clients)
		group.Go(func() {
			for range share {
				if err := p.askOne(ctx, client, &results[number]); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	group.Wait()
	total.Seconds += time.Since(started).Seconds()
	for _, result := range results {
		total.Milliseconds = append(total.Milliseconds, result.Milliseconds...)
		total.Bytes += result.Bytes
	}
	return context.Cause(ctx)
}

func (p *pool) askOne(ctx context.Context, client *http.Client, result *timing) error {
	url := p.urls[int(p.next.Add(1))%len(p.urls)]
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	started := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	length, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	result.Milliseconds = append(result.Milliseconds, float64(time.Since(started).Microseconds())/1000)
	result.Bytes += length
	return nil
}
