package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/protobuf/encoding/protowire"
)

// storage is etcd's key-value API, called as gRPC is (grpc/grpc, doc/PROTOCOL-HTTP2.md): a client of its own would
// bring a whole gRPC into the program that is measured, and etcd's JSON gateway is one more server on the way.
type storage struct {
	url    string
	client *http.Client
}

// Fields of etcd's messages (api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto), and what stands before each message.
const (
	keyField      protowire.Number = 1
	putValueField protowire.Number = 2
	pairsField    protowire.Number = 2
	valueField    protowire.Number = 5
	prefixBytes                    = 5
)

func openStorage(url string) *storage {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return &storage{url: url, client: &http.Client{Transport: &http.Transport{Protocols: protocols}}}
}

// get gives the value of a key, and an error where it has none.
func (s *storage) get(ctx context.Context, key string) ([]byte, error) {
	answer, err := s.call(ctx, "Range", appendField(nil, keyField, []byte(key)))
	if err != nil {
		return nil, err
	}
	pairs, err := fieldsOf(answer, pairsField)
	if err != nil {
		return nil, err
	}
	if len(pairs) != 1 {
		return nil, fmt.Errorf("etcd has no %s", key)
	}
	values, err := fieldsOf(pairs[0], valueField)
	if err != nil || len(values) != 1 {
		return nil, errors.Join(err, fmt.Errorf("etcd has no value of %s", key))
	}
	return values[0], nil
}

// put writes one value, in a revision of its own, as kube-apiserver writes each object.
func (s *storage) put(ctx context.Context, key string, value []byte) error {
	_, err := s.call(ctx, "Put", appendField(appendField(nil, keyField, []byte(key)), putValueField, value))
	return err
}

// call sends one message and gives the one that is the answer.
func (s *storage) call(ctx context.Context, method string, message []byte) ([]byte, error) {
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	target := s.url + "/etcdserverpb.KV/" + method
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(append(body, message...)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if status := response.Trailer.Get("Grpc-Status"); status != "0" || len(answer) < prefixBytes {
		failed := response.Trailer.Get("Grpc-Message") + response.Header.Get("Grpc-Message")
		return nil, fmt.Errorf("etcd answered %s with %s, gRPC status %q: %s", method, response.Status, status, failed)
	}
	return answer[prefixBytes:], nil
}

func appendField(message []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, field, protowire.BytesType), value)
}

// fieldsOf gives the values of a field of bytes.
func fieldsOf(message []byte, wanted protowire.Number) ([][]byte, error) {
	found := [][]byte{}
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeField(message)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		if number == wanted && kind == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(message)
			value, _ := protowire.ConsumeBytes(message[tag:])
			found = append(found, value)
		}
		message = message[length:]
	}
	return found, nil
}
