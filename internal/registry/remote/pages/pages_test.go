package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

var secret = registrytest.Login{Username: "user", Password: "very-secret"}

// listing lists the tags of a registry.
func listing(t *testing.T, handler http.Handler, opts transport.Options) func() ([]string, error) {
	t.Helper()
	opts.CertsDirs = []string{}
	client, err := transport.New(registrytest.Serve(t, handler.ServeHTTP).Listener.Addr().String(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	request := transport.Request{
		Op: "listing tags of", Ref: client.Host() + "/a", Method: http.MethodGet, Path: "/v2/a/tags/list",
		Need: transport.Access{Repository: "a"}, Accept: []int{http.StatusOK},
	}
	return func() (tags []string, err error) {
		err = Each(t.Context(), client, request, func(body []byte, _ http.Header) error {
			var page struct{ Tags []string }
			err := json.Unmarshal(body, &page)
			tags = append(tags, page.Tags...)
			return err
		})
		return tags, err
	}
}

// A listing that leads back to a page that has been read has no end: it is an error, and at once.
func TestListingsThatGoInCircles(t *testing.T) {
	for _, links := range [][]string{
		{`</v2/a/tags/list>; rel="next"`},
		{`<?last=1>; rel="next"`, `</v2/a/tags/list?last=2>; rel=next`, `</v2/a/tags/list?last=1>; rel=next`},
	} {
		var asked atomic.Int64
		list := listing(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n := int(asked.Add(1)) - 1
			w.Header().Set("Link", links[n%len(links)])
			fmt.Fprintf(w, `{"tags":["%d"]}`, n)
		}), transport.Options{})
		_, err := list()
		if err == nil || !strings.Contains(err.Error(), "does not end") {
			t.Errorf("Each() = %v with the links %q, want that the listing does not end", err, links)
		}
		if got := int(asked.Load()); got != len(links) {
			t.Errorf("%d pages were asked for with the links %q, want %d", got, links, len(links))
		}
	}
}

// The next page is the registry's, whatever host the link names, which may be the one that the
// registry has behind a proxy: nobody else is asked, with our credentials or without them.
func TestNextPageStaysAtTheRegistry(t *testing.T) {
	var strangers atomic.Int64
	stranger := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		strangers.Add(1)
		fmt.Fprint(w, `{"tags":["stolen"]}`)
	})
	list := listing(t, secret.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("last") != "" {
			fmt.Fprint(w, `{"tags":["2"]}`)
			return
		}
		w.Header().Set("Link", `<`+stranger.URL+`/v2/a/tags/list?last=1>; rel="next"`)
		fmt.Fprint(w, `{"tags":["1"]}`)
	})), transport.Options{Keychain: secret})
	tags, err := list()
	if err != nil || strings.Join(tags, " ") != "1 2" || strangers.Load() != 0 {
		t.Errorf("Each() = %q, %v, with %d requests to a stranger, want both pages of the registry and none", tags, err, strangers.Load())
	}
}
