package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// loadPlan is what load reads from its file: paths that are asked in turn, over so many connections side by side, for
// so many seconds; every answer must have the status.
type loadPlan struct {
	party
	Paths       []string `json:"paths"`
	Status      int      `json:"status"`
	Connections int      `json:"connections"`
	Seconds     float64  `json:"seconds"`
}

// loaded is what load prints: the requests that were answered in those seconds, percentiles of their milliseconds, and
// the bytes of all bodies.
type loaded struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	Bytes    int64   `json:"bytes"`
}

// load asks as often as answers come, and takes little of the processor for it.
func load(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	file := flags.String("plan", "", "file with the plan, JSON")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted := loadPlan{}
	if err := readJSON(*file, &wanted); err != nil {
		return err
	}
	askers := []*asker{}
	for range wanted.Connections {
		opened, err := wanted.dial()
		if err != nil {
			return err
		}
		defer opened.conn.Close()
		askers = append(askers, &asker{wire: opened, status: wanted.Status})
	}
	found, err := wanted.run(ctx, askers)
	if err != nil {
		return err
	}
	return printJSON(found)
}

func (p loadPlan) run(ctx context.Context, askers []*asker) (loaded, error) {
	requests := [][]byte{}
	for _, path := range p.Paths {
		requests = append(requests, p.request(path, jsonType))
	}
	next, group, started := atomic.Int64{}, sync.WaitGroup{}, time.Now()
	end := started.Add(time.Duration(p.Seconds * float64(time.Second)))
	for _, each := range askers {
		group.Go(func() {
			for each.err == nil && time.Now().Before(end) && ctx.Err() == nil {
				each.ask(requests[int(next.Add(1))%len(requests)])
			}
		})
	}
	group.Wait()
	total, took := loaded{Seconds: time.Since(started).Seconds()}, []time.Duration{}
	for _, each := range askers {
		if each.err != nil {
			return total, each.err
		}
		took = append(took, each.took...)
		total.Bytes += each.bytes
	}
	slices.Sort(took)
	total.Requests, total.P50, total.P99 = len(took), percentile(took, 50), percentile(took, 99)
	return total, ctx.Err()
}

// asker sends one request after the other over its own connection.
type asker struct {
	wire   *wire
	status int
	took   []time.Duration
	bytes  int64
	err    error
}

func (a *asker) ask(request []byte) {
	started := time.Now()
	status, length, err := a.wire.ask(request)
	if err == nil && status != a.status {
		err = fmt.Errorf("%s answered %d, not %d", a.wire.party.Server, status, a.status)
	}
	a.took, a.bytes, a.err = append(a.took, time.Since(started)), a.bytes+int64(length), err
}

// percentile gives the milliseconds that so many percent of sorted durations do not exceed, 0 of none.
func percentile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)*percent+99)/100-1].Microseconds()) / 1000
}

func readJSON(file string, value any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, value)
}
