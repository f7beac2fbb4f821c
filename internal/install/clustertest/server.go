package clustertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// Version is the Kubernetes that the server says it is.
const Version = "v1.36.3"

// User is who the server takes its callers for.
const User = "system:serviceaccount:tests:tester"

// Server is an API server. Use New.
type Server struct {
	URL string

	mu       sync.Mutex
	kinds    []Kind
	objects  map[key]map[string]any
	serial   int
	requests []string
	denied   []string
	refuse   func(r *http.Request) *Refusal
	events   []event
	changed  chan struct{} // closed by the next event
	ended    chan struct{} // closed with the test
}

// Refusal is an answer that is not what was asked for.
type Refusal struct {
	Code            int
	Reason, Message string
	// Causes are those of a conflict, as the API server words them.
	Causes []string
}

// New starts a server, which ends with the test. It has the namespace default.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		kinds: slices.Clone(builtin), objects: map[key]map[string]any{},
		changed: make(chan struct{}), ended: make(chan struct{}),
	}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(s.ended) })
	s.URL = server.URL
	s.Put(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n")
	return s
}

// Kubeconfig is a file that names the server.
func (s *Server) Kubeconfig(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, s.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Connect reaches the server as a cluster.
func (s *Server) Connect(t testing.TB) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: s.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Put stores the objects of a YAML stream as they are, replacing what is there. A namespace
// that is not there yet comes with them.
func (s *Server) Put(t testing.TB, stream string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for text := range strings.SplitSeq(stream, "---\n") {
		var fields map[string]any
		if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		if len(fields) == 0 {
			continue
		}
		object := &unstructured.Unstructured{Object: fields}
		kind, ok := s.kindOf(object)
		if !ok {
			t.Fatalf("the server does not know %s", object.GroupVersionKind())
		}
		if namespace := object.GetNamespace(); kind.Namespaced && namespace == "" {
			object.SetNamespace("default")
		} else if kind.Namespaced && !s.hasNamespace(namespace) {
			s.store(namespaceKind, &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace},
			}})
		}
		s.store(kind, object)
	}
}

// Get reads an object by its resource ("secrets", "dbs.lab.example.com"); nil where there is none.
// A namespace is empty for what has none.
func (s *Server) Get(resource, namespace, name string) *unstructured.Unstructured {
	s.mu.Lock()
	defer s.mu.Unlock()
	fields := s.objects[key{resource, namespace, name}]
	if fields == nil {
		return nil
	}
	return (&unstructured.Unstructured{Object: fields}).DeepCopy()
}

// Unannotate takes an annotation off an object, if it is there, as somebody with an editor would.
func (s *Server) Unannotate(resource, namespace, name, annotation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fields := s.objects[key{resource, namespace, name}]; fields != nil {
		unstructured.RemoveNestedField(fields, "metadata", "annotations", annotation)
	}
}

// SetStatus gives an object a status, if it is there, as a controller or a kubelet would.
func (s *Server) SetStatus(resource, namespace, name string, status map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fields := s.objects[key{resource, namespace, name}]; fields != nil {
		object := (&unstructured.Unstructured{Object: fields}).DeepCopy()
		object.Object["status"] = status
		if kind, ok := s.kindOf(object); ok {
			s.store(kind, object)
		}
	}
}

// Remove deletes an object, and what goes with it.
func (s *Server) Remove(resource, namespace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key{resource, namespace, name})
}

// All lists every object as "RESOURCE NAMESPACE/NAME VERSION", in order, so that a test can tell
// whether anything was changed.
func (s *Server) All() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for key, fields := range s.objects {
		version := (&unstructured.Unstructured{Object: fields}).GetResourceVersion()
		all = append(all, fmt.Sprintf("%s %s/%s %s", key.resource, key.namespace, key.name, version))
	}
	slices.Sort(all)
	return all
}

// Deny forbids something, "create secrets" or "list dbs.lab.example.com"; "*" forbids everything.
func (s *Server) Deny(what ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = append(s.denied, what...)
}

// Refuse lets a test answer requests itself; nil answers as usual.
func (s *Server) Refuse(refuse func(r *http.Request) *Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// Writes are the requests since the last call that changed something, "POST /api/v1/namespaces".
func (s *Server) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	writes := s.requests
	s.requests = nil
	return writes
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if refuse := s.refusal(); refuse != nil {
		if refused := refuse(r); refused != nil {
			refused.write(w)
			return
		}
	}
	if s.watched(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.discover(r.URL.Path); ok {
		write(w, http.StatusOK, found)
		return
	}
	s.resource(w, r)
}

func (s *Server) refusal() func(*http.Request) *Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse
}

// write answers with a JSON document.
func write(w http.ResponseWriter, code int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(document)
}

func (f *Refusal) write(w http.ResponseWriter) {
	var causes []map[string]any
	for _, cause := range f.Causes {
		causes = append(causes, map[string]any{"reason": "FieldManagerConflict", "message": cause})
	}
	write(w, f.Code, map[string]any{
		"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": f.Code, "reason": f.Reason, "message": f.Message,
		"details": map[string]any{"causes": causes},
	})
}
