package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
)

// party is a server and who asks it: its URL, the file of its CA, and a bearer token.
type party struct {
	Server string `json:"server"`
	CAFile string `json:"caFile"`
	Token  string `json:"token"`
}

// wire is one connection that speaks just enough HTTP/1.1 over TLS: net/http's client takes more of the processor than
// the servers that are measured.
type wire struct {
	party party
	conn  net.Conn
	input *bufio.Reader
}

// head is what a response says of its body; a length of -1 is none.
type head struct {
	status  int
	length  int
	chunked bool
}

const (
	bufferBytes  = 16 << 10
	jsonType     = "application/json"
	metadataType = jsonType + ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
)

// dial opens a connection that shares nothing with any other.
func (p party) dial() (*wire, error) {
	address, err := url.Parse(p.Server)
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	content, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, err
	}
	if !authorities.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate", p.CAFile)
	}
	config := &tls.Config{RootCAs: authorities, ServerName: address.Hostname(), MinVersion: tls.VersionTLS12}
	conn, err := tls.Dial("tcp", address.Host, config)
	if err != nil {
		return nil, err
	}
	return &wire{party: p, conn: conn, input: bufio.NewReaderSize(conn, bufferBytes)}, nil
}

// request gives the bytes of a GET.
func (p party) request(path, accept string) []byte {
	address, _ := url.Parse(p.Server)
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		path, address.Host, accept, p.Token)
}

// ask sends a request and reads the whole answer; it gives the status and the length of the body.
func (w *wire) ask(request []byte) (int, int, error) {
	if _, err := w.conn.Write(request); err != nil {
		return 0, 0, err
	}
	found, err := w.readHead()
	if err != nil {
		return 0, 0, err
	}
	if found.chunked {
		length, err := io.Copy(io.Discard, httputil.NewChunkedReader(w.input))
		if err == nil {
			// The empty line behind the last chunk.
			_, err = w.input.Discard(2)
		}
		return found.status, int(length), err
	}
	if found.length < 0 {
		return 0, 0, fmt.Errorf("%s answered without a length", w.party.Server)
	}
	_, err = w.input.Discard(found.length)
	return found.status, found.length, err
}

// stream sends a request and gives its body, which does not end; the status must be 200.
func (w *wire) stream(request []byte) (io.Reader, error) {
	if _, err := w.conn.Write(request); err != nil {
		return nil, err
	}
	found, err := w.readHead()
	if err != nil {
		return nil, err
	}
	if found.status != 200 || !found.chunked {
		return nil, fmt.Errorf("%s answered a watch with status %d", w.party.Server, found.status)
	}
	return httputil.NewChunkedReader(w.input), nil
}

func (w *wire) readHead() (head, error) {
	found := head{length: -1}
	line, err := w.input.ReadSlice('\n')
	if err != nil {
		return found, err
	}
	if len(line) < 12 {
		return found, fmt.Errorf("%s: %q is no status line", w.party.Server, line)
	}
	if found.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return found, err
	}
	for {
		if line, err = w.input.ReadSlice('\n'); err != nil {
			return found, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return found, nil
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if found.length, err = strconv.Atoi(string(value)); err != nil {
				return found, err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			found.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
}
