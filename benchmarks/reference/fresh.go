package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"
)

// freshPlan is what fresh reads from its file: a watch of a server, and where one tree is, while pods change. After
// every so many of the changes that went through kube-apiserver the tree is asked for again and again until it shows
// the change; after none where no such number is given.
type freshPlan struct {
	party
	WatchPath string     `json:"watchPath"`
	Accept    string     `json:"accept"`
	TreePath  string     `json:"treePath"`
	Every     int64      `json:"every"`
	Changes   changePlan `json:"changes"`
}

// freshness is what fresh prints: milliseconds from when a write was answered, and from when it was sent, to when a
// watch told of it, and to when a GET that showed it was answered.
type freshness struct {
	changed
	Watched      int     `json:"watched"`
	WatchP50     float64 `json:"watchP50"`
	WatchP99     float64 `json:"watchP99"`
	WatchSentP50 float64 `json:"watchSentP50"`
	WatchSentP99 float64 `json:"watchSentP99"`
	Got          int     `json:"got"`
	GetP50       float64 `json:"getP50"`
	GetP99       float64 `json:"getP99"`
	GetSentP50   float64 `json:"getSentP50"`
	GetSentP99   float64 `json:"getSentP99"`
	WriteP50     float64 `json:"writeP50"`
}

// Asking for the same tree without a pause would take from the server, and from the machine, the time to become fresh.
const (
	getters = 16
	pause   = time.Millisecond
)

func fresh(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("fresh", flag.ExitOnError)
	file := flags.String("plan", "", "file with the plan, JSON")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted := freshPlan{}
	if err := readJSON(*file, &wanted); err != nil {
		return err
	}
	watches, err := openWatches(wanted.party, []string{wanted.WatchPath}, wanted.Accept, make(chan error, 1))
	if err != nil {
		return err
	}
	quiet(watches)
	found, err := wanted.run(ctx, watches[0])
	if err != nil {
		return err
	}
	return printJSON(found)
}

func (p freshPlan) run(ctx context.Context, watch *watcher) (freshness, error) {
	noted, asked, group, failed := &notes{}, make(chan written, 1024), sync.WaitGroup{}, make(chan error, getters)
	for range getters {
		opened, err := p.dial()
		if err != nil {
			return freshness{}, err
		}
		group.Go(func() {
			for each := range asked {
				if err := p.get(opened, each, noted); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	done, err := p.Changes.run(ctx, func(each written) {
		if number := noted.add(each); p.Every > 0 && number%p.Every == 0 {
			select {
			case asked <- each:
			default:
			}
		}
	})
	time.Sleep(settleSeconds * time.Second)
	close(asked)
	group.Wait()
	if err != nil {
		return freshness{}, err
	}
	select {
	case err := <-failed:
		return freshness{}, err
	default:
	}
	return noted.freshness(done, watch), nil
}

// get asks for the tree of a pod until its version is that of the change, or a newer one.
func (p freshPlan) get(opened *wire, each written, noted *notes) error {
	wanted, err := strconv.ParseUint(each.pod.ResourceVersion, 10, 64)
	if err != nil {
		return err
	}
	name := each.pod.Labels["app.kubernetes.io/name"]
	request := p.request(fmt.Sprintf(p.TreePath, each.pod.Namespace, name), jsonType)
	for {
		body, err := opened.body(request)
		if err != nil {
			return err
		}
		if version, found := versionOf(body); found && version >= wanted {
			noted.got(each, time.Now())
			return nil
		}
		if time.Since(each.answered) > time.Minute {
			return fmt.Errorf("the tree of %s was not fresh in a minute", name)
		}
		time.Sleep(pause)
	}
}

// notes are the changes that were made, and when trees showed them.
type notes struct {
	mutex   sync.Mutex
	changes []written
	shown   []time.Duration
	sent    []time.Duration
}

func (n *notes) add(each written) int64 {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.changes = append(n.changes, each)
	return int64(len(n.changes))
}

func (n *notes) got(each written, now time.Time) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.shown, n.sent = append(n.shown, now.Sub(each.answered)), append(n.sent, now.Sub(each.sent))
}

func (n *notes) freshness(done changed, watch *watcher) freshness {
	arrived := map[uint64]time.Time{}
	watch.mutex.Lock()
	for _, each := range watch.seen {
		arrived[each.version] = each.at
	}
	watch.mutex.Unlock()
	told, toldSent, took := []time.Duration{}, []time.Duration{}, []time.Duration{}
	for _, each := range n.changes {
		took = append(took, each.answered.Sub(each.sent))
		version, _ := strconv.ParseUint(each.pod.ResourceVersion, 10, 64)
		if at, known := arrived[version]; known {
			// A watch may tell before the writer hears.
			told, toldSent = append(told, max(0, at.Sub(each.answered))), append(toldSent, at.Sub(each.sent))
		}
	}
	for _, each := range [][]time.Duration{told, toldSent, took, n.shown, n.sent} {
		slices.Sort(each)
	}
	return freshness{
		changed: done, Watched: len(told), Got: len(n.shown), WriteP50: percentile(took, 50),
		WatchP50: percentile(told, 50), WatchP99: percentile(told, 99),
		WatchSentP50: percentile(toldSent, 50), WatchSentP99: percentile(toldSent, 99),
		GetP50: percentile(n.shown, 50), GetP99: percentile(n.shown, 99),
		GetSentP50: percentile(n.sent, 50), GetSentP99: percentile(n.sent, 99),
	}
}

// body sends a request and gives the body of an answer with a length.
func (w *wire) body(request []byte) ([]byte, error) {
	if _, err := w.conn.Write(request); err != nil {
		return nil, err
	}
	found, err := w.readHead()
	if err != nil {
		return nil, err
	}
	if found.status != 200 || found.length < 0 {
		return nil, fmt.Errorf("%s answered %d, with a length of %d", w.party.Server, found.status, found.length)
	}
	body := make([]byte, found.length)
	_, err = io.ReadFull(w.input, body)
	return body, err
}

// change changes pods and nothing else.
func change(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("change", flag.ExitOnError)
	file := flags.String("plan", "", "file with the plan of changes, JSON")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	wanted := changePlan{}
	if err := readJSON(*file, &wanted); err != nil {
		return err
	}
	done, err := wanted.run(ctx, func(written) {})
	if err != nil {
		return err
	}
	return printJSON(done)
}
