package faults

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// begin asks for the lab's blob and returns its body, which may be held back.
func (l lab) begin() io.ReadCloser {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), http.MethodGet, l.url+blobURL, nil)
	if err != nil {
		l.Fatal(err)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = resp.Body.Close() })
	return resp.Body
}

func TestHold(t *testing.T) {
	var hold Hold
	l := newLab(t, hold.Wrap)
	whole := int64(len(content))
	if got := l.do("GET", blobURL, nil); got.err != nil || !bytes.Equal(got.body, content) {
		t.Errorf("download before Allow = %d bytes, %v, want all", len(got.body), got.err)
	}
	reached := hold.Allow(whole + 10000)
	if got := l.do("GET", blobURL, nil); got.err != nil || !bytes.Equal(got.body, content) {
		t.Errorf("download of what is allowed = %d bytes, %v, want all", len(got.body), got.err)
	}
	select {
	case <-reached:
		t.Fatal("a download that was allowed was held")
	default:
	}
	body := l.begin()
	<-reached
	got := make([]byte, 10000)
	if _, err := io.ReadFull(body, got); err != nil || !bytes.Equal(got, content[:10000]) {
		t.Errorf("what passed before a hold differs from the blob, or %v", err)
	}
	if status := l.do("HEAD", "/v2/app/manifests/v1", nil).status; status != http.StatusOK {
		t.Errorf("HEAD of a manifest beside a hold = %d, want 200", status)
	}
	hold.Release()
	if rest, err := io.ReadAll(body); err != nil || !bytes.Equal(rest, content[10000:]) {
		t.Errorf("after Release %d bytes came, %v, want the rest", len(rest), err)
	}
}

// What was held before takes nothing of what is allowed next, and ends with its client.
func TestHoldAgain(t *testing.T) {
	var hold Hold
	l := newLab(t, hold.Wrap)
	first := hold.Allow(1000)
	old := l.begin()
	<-first
	second := hold.Allow(2000)
	body := l.begin()
	<-second
	_ = old.Close()
	if n, err := io.CopyN(io.Discard, body, 2000); err != nil {
		t.Errorf("%d bytes passed, %v, want 2000", n, err)
	}
	hold.Release()
	if got := l.do("GET", blobURL, nil); got.err != nil || !bytes.Equal(got.body, content) {
		t.Errorf("download after Release = %d bytes, %v, want all", len(got.body), got.err)
	}
}
