// Command reference is what kubediscovery is measured with: the same work done with client-go, a loader that fills a
// cluster, and clients that ask and watch.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const protobufType = "application/vnd.kubernetes.protobuf"

var commands = map[string]func(ctx context.Context, arguments []string) error{
	"serve":   serve,
	"fill":    fill,
	"measure": measure,
	"load":    load,
	"watch":   watch,
	"fresh":   fresh,
	"change":  change,
	"pull":    pull,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: reference serve|fill|measure|load|watch|fresh|change|pull [flags]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// endWithStdin gives a context that ends with the standard input too, so that no owner's crash leaves this process.
func endWithStdin(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}

// clusterConfig reads a kubeconfig. Requests are not throttled; encoding is "json" or "protobuf".
func clusterConfig(kubeconfig, encoding string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	switch encoding {
	case "json":
		config.AcceptContentTypes, config.ContentType = "application/json", "application/json"
	case "protobuf":
		config.AcceptContentTypes, config.ContentType = protobufType+",application/json", protobufType
	default:
		return nil, fmt.Errorf("--encoding must be json or protobuf, not %q", encoding)
	}
	return config, nil
}

// withOwnConnection gives a copy of the config that shares no connection with any other.
func withOwnConnection(config *rest.Config) *rest.Config {
	own := rest.CopyConfig(config)
	own.Dial = (&net.Dialer{}).DialContext
	return own
}

// residentBytes reads VmRSS, as the benchmark does for every process.
func residentBytes() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); err == nil {
			return kilobytes * 1024, nil
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmRSS")
}

// printJSON writes one line to the standard output.
func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
