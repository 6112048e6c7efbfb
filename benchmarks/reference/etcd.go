package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// storage is etcd's key-value API as its JSON gateway serves it: the client of its own would bring a whole gRPC into
// the program that is measured.
type storage struct {
	url    string
	client *http.Client
}

// pair is a key with its value; in JSON both are base64.
type pair struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value,omitempty"`
}

func openStorage(url string) *storage {
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	return &storage{url: url, client: &http.Client{Transport: transport}}
}

// get gives the value of a key, and an error where it has none.
func (s *storage) get(ctx context.Context, key string) ([]byte, error) {
	found := struct {
		Values []pair `json:"kvs"`
	}{}
	if err := s.ask(ctx, "range", pair{Key: []byte(key)}, &found); err != nil {
		return nil, err
	}
	if len(found.Values) != 1 {
		return nil, fmt.Errorf("etcd has no %s", key)
	}
	return found.Values[0].Value, nil
}

// put writes one value, in a revision of its own, as kube-apiserver writes each object.
func (s *storage) put(ctx context.Context, key string, value []byte) error {
	return s.ask(ctx, "put", pair{Key: []byte(key), Value: value}, &struct{}{})
}

func (s *storage) ask(ctx context.Context, operation string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v3/kv/"+operation, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd answered %s with %s", operation, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
