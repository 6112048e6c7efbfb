package main

import (
	"net/http"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// request is one that was sent: a list, a watch that begins with what there is, or one that goes on from a version.
// Status is 0 where nobody answered.
type request struct {
	Kind    string `json:"kind"`
	Version string `json:"version"`
	Status  int    `json:"status"`
}

// requests notes all that are sent through it.
type requests struct {
	lock sync.Mutex
	sent []request
}

func (r *requests) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(sent *http.Request) (*http.Response, error) {
		query := sent.URL.Query()
		noted := request{Kind: "list", Version: query.Get("resourceVersion")}
		switch {
		case query.Get("sendInitialEvents") == "true":
			noted.Kind = "watch-list"
		case query.Has("watch"):
			noted.Kind = "watch"
		}
		response, err := next.RoundTrip(sent)
		if err == nil {
			noted.Status = response.StatusCode
		}
		r.lock.Lock()
		defer r.lock.Unlock()
		r.sent = append(r.sent, noted)
		return response, err
	})
}

func (r *requests) all() []request {
	r.lock.Lock()
	defer r.lock.Unlock()
	return append([]request{}, r.sent...)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(sent *http.Request) (*http.Response, error) { return f(sent) }

// events notes what handlers are told of, as "ADDED namespace/name".
type events struct {
	lock sync.Mutex
	told []string
}

func (e *events) OnAdd(object any, _ bool) { e.note("ADDED", object) }
func (e *events) OnUpdate(_, object any)   { e.note("MODIFIED", object) }
func (e *events) OnDelete(object any)      { e.note("DELETED", object) }
func (e *events) note(what string, of any) {
	if unknown, is := of.(cache.DeletedFinalStateUnknown); is {
		of = unknown.Obj
	}
	found := of.(metav1.Object)
	e.lock.Lock()
	defer e.lock.Unlock()
	e.told = append(e.told, what+" "+found.GetNamespace()+"/"+found.GetName())
}

func (e *events) all() []string {
	e.lock.Lock()
	defer e.lock.Unlock()
	return append([]string{}, e.told...)
}
