package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

func (h *Handler) catalog(w http.ResponseWriter, r *http.Request, _ route) {
	page, ok := paged(w, r, h.content.Repositories())
	if ok {
		writeJSON(w, "application/json", map[string]any{"repositories": page})
	}
}

func (h *Handler) tags(w http.ResponseWriter, r *http.Request, at route) {
	repository := h.named(r, at.repository)
	all, err := h.content.Tags(r.Context(), repository)
	if err != nil {
		failed(w, err, "NAME_UNKNOWN")
		return
	}
	if page, ok := paged(w, r, all); ok {
		writeJSON(w, "application/json", map[string]any{"name": repository, "tags": page})
	}
}

// paged cuts out what n and last ask for, and links to what follows. It has answered
// where it returns false.
func paged(w http.ResponseWriter, r *http.Request, all []string) ([]string, bool) {
	query := r.URL.Query()
	all = slices.Sorted(slices.Values(all))
	if last := query.Get("last"); last != "" {
		at, found := slices.BinarySearch(all, last)
		if found {
			at++
		}
		all = all[at:]
	}
	if all == nil {
		all = []string{}
	}
	if !query.Has("n") {
		return all, true
	}
	n, err := strconv.Atoi(query.Get("n"))
	if err != nil || n < 0 {
		fail(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "n is no number of entries")
		return nil, false
	}
	if n < len(all) {
		if n > 0 {
			query.Set("last", all[n-1])
			next := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
			w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next.String()))
		}
		all = all[:n]
	}
	return all, true
}
