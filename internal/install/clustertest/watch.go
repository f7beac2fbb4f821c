package clustertest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// event is something that happened to an object; serial counts all that ever did.
type event struct {
	serial int
	kind   string // as a watch names it: ADDED, MODIFIED, DELETED
	at     key
	object map[string]any
}

// happened notes an event for whoever watches; the caller holds the lock.
func (s *Server) happened(kind string, at key, object map[string]any) {
	s.events = append(s.events, event{s.serial, kind, at, (&unstructured.Unstructured{Object: object}).DeepCopy().Object})
	close(s.changed)
	s.changed = make(chan struct{})
}

// since are the events after a serial, and what is closed when there are more.
func (s *Server) since(serial int) ([]event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, each := range s.events {
		if each.serial > serial {
			return s.events[i:], s.changed
		}
	}
	return nil, s.changed
}

// watch tells of what happens to objects from a version on, until the client or the test ends.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, t target, selects func(*unstructured.Unstructured) bool) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	flush := func() { _ = http.NewResponseController(w).Flush() }
	flush()
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	for {
		events, changed := s.since(from)
		for _, each := range events {
			from = each.serial
			object := &unstructured.Unstructured{Object: each.object}
			if each.at.resource == t.kind.full() && (t.namespace == "" || t.namespace == each.at.namespace) && selects(object) {
				_ = json.NewEncoder(w).Encode(map[string]any{"type": each.kind, "object": each.object})
			}
		}
		flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.ended:
			return
		}
	}
}

// page cuts the part out of all items that was asked for, and says where the next one begins; empty
// where there is none.
func page(r *http.Request, items []any) (part []any, next string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	from = min(from, len(items))
	if limit == 0 || from+limit >= len(items) {
		return items[from:], ""
	}
	return items[from : from+limit], strconv.Itoa(from + limit)
}
