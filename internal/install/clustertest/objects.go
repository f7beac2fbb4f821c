package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// key is where an object is stored.
type key struct{ resource, namespace, name string }

// target is what a request is about.
type target struct {
	kind            Kind
	namespace, name string
}

func (t target) key() key { return key{t.kind.full(), t.namespace, t.name} }

// find reads a path: PREFIX/[namespaces/NAMESPACE/]RESOURCE[/NAME[/status]].
func (s *Server) find(path string) (target, bool) {
	for _, kind := range s.kinds {
		rest, ok := strings.CutPrefix(path, kind.path()+"/")
		if !ok {
			continue
		}
		parts := strings.Split(rest, "/")
		found := target{kind: kind}
		if kind.Namespaced && len(parts) > 2 && parts[0] == "namespaces" {
			found.namespace, parts = parts[1], parts[2:]
		}
		if parts[0] != kind.Resource || len(parts) > 3 || !kind.Namespaced && len(parts) == 3 && parts[2] != "status" {
			continue
		}
		if len(parts) > 1 {
			found.name = parts[1]
		}
		return found, true
	}
	return target{}, false
}

// watched answers a request to watch, and tells whether it was one.
func (s *Server) watched(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	found, ok := s.find(r.URL.Path)
	denied := s.denies("watch", found.kind.full())
	s.mu.Unlock()
	if !ok || denied || verbOf(r, found) != "watch" {
		return false
	}
	selects, refused := selection(r)
	if r.URL.Query().Get("sendInitialEvents") == "true" { // as older servers say; clients list then
		refused = &Refusal{Code: http.StatusUnprocessableEntity, Reason: "Invalid", Message: "sendInitialEvents: Forbidden"}
	}
	if refused != nil {
		refused.write(w)
		return true
	}
	s.watch(w, r, found, selects)
	return true
}

func (s *Server) resource(w http.ResponseWriter, r *http.Request) {
	found, ok := s.find(r.URL.Path)
	if !ok {
		(&Refusal{Code: http.StatusNotFound, Reason: "NotFound", Message: "the server could not find the requested resource"}).write(w)
		return
	}
	verb := verbOf(r, found)
	if s.denies(verb, found.kind.full()) && !strings.HasPrefix(found.kind.Resource, "selfsubject") {
		(&Refusal{Code: http.StatusForbidden, Reason: "Forbidden", Message: fmt.Sprintf("%s is forbidden: user %q cannot %s it", found.kind.full(), User, verb)}).write(w)
		return
	}
	var answer any
	var refused *Refusal
	switch verb {
	case "get":
		answer, refused = s.get(found)
	case "list":
		answer, refused = s.list(r, found)
	case "create":
		answer, refused = s.create(r, found)
	case "update":
		answer, refused = s.update(r, found)
	case "patch":
		answer, refused = s.patch(r, found)
	case "delete":
		answer, refused = s.delete(found)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	if verb != "get" && verb != "list" && verb != "watch" && !dry(r) && !strings.HasPrefix(found.kind.Resource, "selfsubject") {
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	}
	write(w, http.StatusOK, answer)
}

func verbOf(r *http.Request, found target) string {
	switch {
	case r.Method == http.MethodGet && found.name == "" && r.URL.Query().Get("watch") != "":
		return "watch"
	case r.Method == http.MethodGet && found.name == "":
		return "list"
	}
	return map[string]string{"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[r.Method]
}

func dry(r *http.Request) bool { return r.URL.Query().Get("dryRun") != "" }

func (s *Server) denies(verb, resource string) bool {
	return slices.Contains(s.denied, "*") || slices.Contains(s.denied, verb+" "+resource)
}

func (s *Server) hasNamespace(name string) bool { return s.objects[key{"namespaces", "", name}] != nil }

func notFound(t target) *Refusal {
	return &Refusal{Code: http.StatusNotFound, Reason: "NotFound", Message: fmt.Sprintf("%s %q not found", t.kind.full(), t.name)}
}

func (s *Server) get(t target) (any, *Refusal) {
	if found := s.objects[t.key()]; found != nil {
		return found, nil
	}
	return nil, notFound(t)
}

// selection reads which objects are meant, by their labels and fields.
func selection(r *http.Request) (func(*unstructured.Unstructured) bool, *Refusal) {
	byLabel, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, &Refusal{Code: http.StatusBadRequest, Reason: "BadRequest", Message: err.Error()}
	}
	byField, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err != nil {
		return nil, &Refusal{Code: http.StatusBadRequest, Reason: "BadRequest", Message: err.Error()}
	}
	return func(object *unstructured.Unstructured) bool {
		return byLabel.Matches(labels.Set(object.GetLabels())) && byField.Matches(fieldsOf{object})
	}, nil
}

func (s *Server) list(r *http.Request, t target) (any, *Refusal) {
	selects, refused := selection(r)
	if refused != nil {
		return nil, refused
	}
	items := []any{}
	for _, key := range s.sorted() {
		object := &unstructured.Unstructured{Object: s.objects[key]}
		if key.resource == t.kind.full() && (t.namespace == "" || t.namespace == key.namespace) && selects(object) {
			items = append(items, object.Object)
		}
	}
	items, next := page(r, items)
	return map[string]any{
		"apiVersion": t.kind.groupVersion(), "kind": t.kind.Name + "List", "items": items,
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(s.serial), "continue": next},
	}, nil
}

func (s *Server) sorted() []key {
	var all []key
	for key := range s.objects {
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b key) int {
		return strings.Compare(a.resource+" "+a.namespace+"/"+a.name, b.resource+" "+b.namespace+"/"+b.name)
	})
	return all
}

// fieldsOf selects by fields of an object.
type fieldsOf struct{ *unstructured.Unstructured }

func (f fieldsOf) Get(field string) string {
	value, _, _ := unstructured.NestedString(f.Object, strings.Split(field, ".")...)
	return value
}

func (f fieldsOf) Has(field string) bool { return f.Get(field) != "" }

// body reads an object, as typed clients send it (protobuf) or as all others do.
func body(r *http.Request) (*unstructured.Unstructured, *Refusal) {
	text, err := io.ReadAll(r.Body)
	object := &unstructured.Unstructured{}
	switch {
	case err != nil:
	case strings.Contains(r.Header.Get("Content-Type"), "protobuf"):
		var typed runtime.Object
		var kind *schema.GroupVersionKind
		if typed, kind, err = scheme.Codecs.UniversalDeserializer().Decode(text, nil, nil); err == nil {
			object.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
			object.SetGroupVersionKind(*kind)
		}
	default:
		err = yaml.Unmarshal(text, &object.Object)
	}
	if err != nil {
		return nil, &Refusal{Code: http.StatusBadRequest, Reason: "BadRequest", Message: err.Error()}
	}
	return object, nil
}

func (s *Server) create(r *http.Request, t target) (any, *Refusal) {
	object, refused := body(r)
	if refused != nil {
		return nil, refused
	}
	switch t.kind.Name {
	case "SelfSubjectAccessReview":
		text := func(field string) string {
			value, _, _ := unstructured.NestedString(object.Object, "spec", "resourceAttributes", field)
			return value
		}
		resource := strings.TrimSuffix(text("resource")+"."+text("group"), ".")
		_ = unstructured.SetNestedField(object.Object, !s.denies(text("verb"), resource), "status", "allowed")
		return object.Object, nil
	case "SelfSubjectReview":
		_ = unstructured.SetNestedField(object.Object, User, "status", "userInfo", "username")
		return object.Object, nil
	}
	t.name = object.GetName()
	if s.objects[t.key()] != nil {
		return nil, &Refusal{Code: http.StatusConflict, Reason: "AlreadyExists", Message: fmt.Sprintf("%s %q already exists", t.kind.full(), t.name)}
	}
	return s.put(r, t, object)
}

// put stores an object at a target, unless that is not meant.
func (s *Server) put(r *http.Request, t target, object *unstructured.Unstructured) (any, *Refusal) {
	if t.kind.Namespaced && !s.hasNamespace(t.namespace) {
		return nil, &Refusal{Code: http.StatusNotFound, Reason: "NotFound", Message: fmt.Sprintf("namespaces %q not found", t.namespace)}
	}
	if t.kind.Namespaced {
		object.SetNamespace(t.namespace)
	}
	if !dry(r) {
		s.store(t.kind, object)
	}
	return object.Object, nil
}

func (s *Server) update(r *http.Request, t target) (any, *Refusal) {
	object, refused := body(r)
	if refused != nil {
		return nil, refused
	}
	before := s.objects[t.key()]
	if before == nil {
		return nil, notFound(t)
	}
	version := (&unstructured.Unstructured{Object: before}).GetResourceVersion()
	if object.GetResourceVersion() != "" && object.GetResourceVersion() != version {
		return nil, &Refusal{Code: http.StatusConflict, Reason: "Conflict", Message: "the object has been modified"}
	}
	return s.put(r, t, object)
}

// patch merges. It does so for a strategic merge too, which is the same but for lists.
func (s *Server) patch(r *http.Request, t target) (any, *Refusal) {
	before := s.objects[t.key()]
	applies := strings.Contains(r.Header.Get("Content-Type"), "apply")
	if before == nil && !applies {
		return nil, notFound(t)
	}
	change, refused := body(r)
	if refused != nil {
		return nil, refused
	}
	if before == nil {
		return s.put(r, t, change)
	}
	after := (&unstructured.Unstructured{Object: before}).DeepCopy()
	merge(after.Object, change.Object)
	if reflect.DeepEqual(after.Object, before) {
		return before, nil
	}
	return s.put(r, t, after)
}

// merge lays one object over another, as RFC 7386 says: null removes.
func merge(into, change map[string]any) {
	for field, value := range change {
		inner, below := value.(map[string]any)
		there, has := into[field].(map[string]any)
		switch {
		case value == nil:
			delete(into, field)
		case below && has:
			merge(there, inner)
		default:
			into[field] = value
		}
	}
}

func (s *Server) delete(t target) (any, *Refusal) {
	if s.objects[t.key()] == nil {
		return nil, notFound(t)
	}
	s.remove(t.key())
	return map[string]any{"apiVersion": "v1", "kind": "Status", "status": "Success"}, nil
}

// remove deletes an object and what goes with it.
func (s *Server) remove(gone key) {
	if object := s.objects[gone]; object != nil {
		s.serial++
		s.happened("DELETED", gone, object)
	}
	delete(s.objects, gone)
	for other := range s.objects {
		if gone.resource == "namespaces" && other.namespace == gone.name ||
			gone.resource == definitionResource && other.resource == gone.name {
			delete(s.objects, other)
		}
	}
	if gone.resource == definitionResource {
		s.undefine(gone.name)
	}
}

// store keeps an object under a new version, with an identity that lasts.
func (s *Server) store(kind Kind, object *unstructured.Unstructured) {
	s.serial++
	at := key{kind.full(), object.GetNamespace(), object.GetName()}
	if before := s.objects[at]; before != nil {
		object.SetUID((&unstructured.Unstructured{Object: before}).GetUID())
	}
	if object.GetUID() == "" {
		_ = unstructured.SetNestedField(object.Object, fmt.Sprintf("uid-%d", s.serial), "metadata", "uid")
	}
	if created := object.GetCreationTimestamp(); created.IsZero() {
		_ = unstructured.SetNestedField(object.Object, time.Now().UTC().Format(time.RFC3339), "metadata", "creationTimestamp")
	}
	object.SetResourceVersion(strconv.Itoa(s.serial))
	if at.resource == definitionResource {
		s.define(object)
	}
	what := "MODIFIED"
	if s.objects[at] == nil {
		what = "ADDED"
	}
	s.objects[at] = object.Object
	s.happened(what, at, object.Object)
}
