// Command plain is a yardstick for the benchmark: documents and the words they
// are found by in an ordered tree, over TLS and synced, and nothing else. It has
// no keys, no policy, no audit log and no history. It is never shipped.
package main

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/web"
)

func main() {
	dir := flag.String("dir", "", "folder")
	address := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()
	if err := serve(*dir, *address); err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(1)
	}
}

func serve(dir, address string) error {
	cert, err := web.LocalCertificate(dir, []string{"localhost", "127.0.0.1"}, time.Now())
	if err != nil {
		return err
	}
	db, err := pebble.Open(dir+"/store", &pebble.Options{MemTableSize: 64 << 20})
	if err != nil {
		return err
	}
	t := &tree{db: db}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fhir/{type}/{id}", t.handleRead)
	mux.HandleFunc("PUT /fhir/{type}/{id}", t.handleWrite)
	mux.HandleFunc("POST /fhir/{type}", t.handleWrite)
	mux.HandleFunc("DELETE /fhir/{type}/{id}", t.handleDelete)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	fmt.Println("ready")
	server := &http.Server{Handler: mux, TLSConfig: web.TLS(func() *tls.Certificate { return &cert }), ReadHeaderTimeout: time.Minute}
	return server.ServeTLS(l, "", "")
}

type tree struct{ db *pebble.DB }

func key(r *http.Request, id string) []byte { return []byte("d/" + r.PathValue("type") + "/" + id) }

func (t *tree) handleRead(w http.ResponseWriter, r *http.Request) {
	body, closer, err := t.db.Get(key(r, r.PathValue("id")))
	if err != nil {
		http.Error(w, "nothing", http.StatusNotFound)
		return
	}
	defer closer.Close()
	_, _ = w.Write(body) // whoever went away gets nothing
}

func (t *tree) handleWrite(w http.ResponseWriter, r *http.Request) {
	src, err := io.ReadAll(r.Body)
	id, status := r.PathValue("id"), http.StatusOK
	if id == "" {
		id, status = rand.Text(), http.StatusCreated
		w.Header().Set("Location", "/fhir/"+r.PathValue("type")+"/"+id)
	}
	var body []byte
	if err == nil {
		body, err = t.put(r, id, src)
	}
	if err != nil {
		http.Error(w, "not stored", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (t *tree) put(r *http.Request, id string, src []byte) ([]byte, error) {
	res, err := fhir.Parse(src)
	if err != nil {
		return nil, err
	}
	res = res.Stamp(id, 1, time.Now())
	doc, err := search.Extract(res)
	if err != nil {
		return nil, err
	}
	b := t.db.NewBatch()
	defer b.Close()
	err = b.Set(key(r, id), res.JSON(), nil)
	for _, word := range doc.Words {
		err = errors.Join(err, b.Set([]byte("w/"+word.Field+"/"+string(word.Value)+"/"+id), nil, nil))
	}
	for _, ref := range doc.Refs {
		err = errors.Join(err, b.Set([]byte("r/"+ref.Field+"/"+ref.Type+"/"+ref.ID+"/"+id), nil, nil))
	}
	return res.JSON(), errors.Join(err, b.Commit(pebble.Sync))
}

func (t *tree) handleDelete(w http.ResponseWriter, r *http.Request) {
	if err := t.db.Delete(key(r, r.PathValue("id")), pebble.Sync); err != nil {
		http.Error(w, "not deleted", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
