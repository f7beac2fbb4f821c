package server

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

// mostUploads is how many uploads are kept for clients that have not come back to them.
const mostUploads = 256

// uploads are those under way. The zero value is ready.
type uploads struct {
	mu   sync.Mutex
	byID map[string]*upload
}

// upload is a blob that arrives in any number of requests, one of them at a time.
type upload struct {
	id, repository string
	incoming       Incoming

	// busy is held by the request that carries the upload on.
	busy sync.Mutex
	used time.Time // by uploads.mu: when a request took it up last
	gone bool      // by busy: it was kept, cancelled or forgotten
}

// add begins an upload and acquires it. Where there are too many, the one that has been
// waited for longest is forgotten.
func (u *uploads) add(repository string, incoming Incoming) *upload {
	added := &upload{id: rand.Text(), repository: repository, incoming: incoming, used: time.Now()}
	added.busy.Lock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byID == nil {
		u.byID = map[string]*upload{}
	}
	if len(u.byID) >= mostUploads {
		u.forget()
	}
	u.byID[added.id] = added
	return added
}

// forget discards the upload that was taken up longest ago, of those that no request is at.
func (u *uploads) forget() {
	var oldest *upload
	for _, one := range u.byID {
		if (oldest == nil || one.used.Before(oldest.used)) && one.busy.TryLock() {
			if oldest != nil {
				oldest.busy.Unlock()
			}
			oldest = one
		}
	}
	if oldest != nil {
		oldest.gone = true
		oldest.incoming.Discard()
		delete(u.byID, oldest.id)
		oldest.busy.Unlock()
	}
}

// acquire returns the upload that a path names, once no other request is at it. It has
// answered where it returns nil.
func (u *uploads) acquire(w http.ResponseWriter, at route) *upload {
	u.mu.Lock()
	found := u.byID[at.reference]
	if found != nil {
		found.used = time.Now()
	}
	u.mu.Unlock()
	if found != nil && found.repository == at.repository {
		found.busy.Lock()
		if !found.gone {
			return found
		}
		found.busy.Unlock()
	}
	fail(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
	return nil
}

// release lets the next request at an upload.
func (u *upload) release() { u.busy.Unlock() }

// remove ends an upload that the caller has acquired.
func (u *uploads) remove(one *upload) {
	one.gone = true
	one.incoming.Discard()
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.byID, one.id)
}
