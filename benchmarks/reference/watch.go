package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// watchPlan is what watch reads from its file: watches of a server that are held open while pods change, and one of
// kube-apiserver beside them, of the pods themselves.
type watchPlan struct {
	party
	Paths        []string   `json:"paths"`
	Upstream     party      `json:"upstream"`
	UpstreamPath string     `json:"upstreamPath"`
	Changes      changePlan `json:"changes"`
}

// watched is what the watches were told of the changes. The lag is from when kube-apiserver's own watch told of a
// change to when a watch told of the tree that it belongs to.
type watched struct {
	Events  int64   `json:"events"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	Matched int     `json:"matched"`
	LagP50  float64 `json:"lagP50"`
	LagP99  float64 `json:"lagP99"`
}

const (
	longestLine   = 1 << 20
	quietSeconds  = 2
	settleSeconds = 1
	dialing       = 16
	lastBytes     = 500
)

var versionField = []byte(`"resourceVersion":"`)

// watch opens the watches and says so once nothing more comes, waits for a line, changes pods, says how many, and at
// last what came of it.
func watch(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("watch", flag.ExitOnError)
	file := flags.String("plan", "", "file with the plan, JSON")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted := watchPlan{}
	if err := readJSON(*file, &wanted); err != nil {
		return err
	}
	// That of kube-apiserver may end: it drops who cannot keep up, and then fewer events have a lag.
	upstream, err := openWatches(wanted.Upstream, []string{wanted.UpstreamPath}, metadataType, make(chan error, 1))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	watches, err := openWatches(wanted.party, wanted.Paths, jsonType, ended)
	if err != nil {
		return err
	}
	before := quiet(watches)
	if err := printJSON(map[string]int64{"events": before.Events, "bytes": before.Bytes}); err != nil {
		return err
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	done, err := wanted.Changes.run(ctx, func(written) {})
	if err != nil {
		return err
	}
	if err := printJSON(done); err != nil {
		return err
	}
	time.Sleep(settleSeconds * time.Second)
	select {
	case err := <-ended:
		return fmt.Errorf("a watch ended: %w", err)
	default:
	}
	found := totals(watches)
	found.Events, found.Bytes, found.Seconds = found.Events-before.Events, found.Bytes-before.Bytes, done.Seconds
	found.compare(upstream[0], watches)
	return printJSON(found)
}

// seen is a resource version of which a watch told, and when.
type seen struct {
	version uint64
	at      time.Time
}

// watcher reads one watch and keeps the versions of its events.
type watcher struct {
	events, bytes atomic.Int64
	mutex         sync.Mutex
	seen          []seen
	last          []byte
}

func openWatches(from party, paths []string, accept string, ended chan<- error) ([]*watcher, error) {
	watches, slots, failures := make([]*watcher, len(paths)), make(chan struct{}, dialing), make(chan error, len(paths))
	for number, path := range paths {
		slots <- struct{}{}
		watches[number] = &watcher{}
		go func() {
			opened, err := from.dial()
			var body io.Reader
			if err == nil {
				body, err = opened.stream(from.request(path, accept))
			}
			<-slots
			failures <- err
			if err == nil {
				watches[number].read(body, ended)
			}
		}()
	}
	for range paths {
		if err := <-failures; err != nil {
			return nil, err
		}
	}
	return watches, nil
}

func (w *watcher) read(body io.Reader, ended chan<- error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		line := lines.Bytes()
		w.events.Add(1)
		w.bytes.Add(int64(len(line) + 1))
		w.note(line)
		w.last = append(w.last[:0], line[:min(len(line), lastBytes)]...)
	}
	select {
	case ended <- fmt.Errorf("%v, after %s", lines.Err(), w.last):
	default:
	}
}

func (w *watcher) note(line []byte) {
	version, found := versionOf(line)
	if !found {
		return
	}
	w.mutex.Lock()
	w.seen = append(w.seen, seen{version, time.Now()})
	w.mutex.Unlock()
}

// versionOf reads the first resource version of a document, which is that of all of it.
func versionOf(document []byte) (uint64, bool) {
	_, rest, found := bytes.Cut(document, versionField)
	digits, _, _ := bytes.Cut(rest, []byte(`"`))
	version, err := strconv.ParseUint(string(digits), 10, 64)
	return version, found && err == nil
}

func totals(watches []*watcher) watched {
	found := watched{}
	for _, each := range watches {
		found.Events += each.events.Load()
		found.Bytes += each.bytes.Load()
	}
	return found
}

// quiet waits until no event came for some seconds.
func quiet(watches []*watcher) watched {
	for {
		before := totals(watches)
		time.Sleep(quietSeconds * time.Second)
		if after := totals(watches); after == before {
			return after
		}
	}
}

func (f *watched) compare(upstream *watcher, watches []*watcher) {
	arrived := map[uint64]time.Time{}
	upstream.mutex.Lock()
	for _, each := range upstream.seen {
		arrived[each.version] = each.at
	}
	upstream.mutex.Unlock()
	lags := []time.Duration{}
	for _, each := range watches {
		each.mutex.Lock()
		for _, told := range each.seen {
			if at, known := arrived[told.version]; known {
				lags = append(lags, told.at.Sub(at))
			}
		}
		each.mutex.Unlock()
	}
	slices.Sort(lags)
	f.Matched, f.LagP50, f.LagP99 = len(lags), percentile(lags, 50), percentile(lags, 99)
}
