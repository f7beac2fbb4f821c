package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A blob that has been read gives its place back at once: it is closed only when the target
// has confirmed it, which may take long or wait for others.
func TestBlobThatIsReadHoldsNoPlace(t *testing.T) {
	content := []byte("content")
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			_, _ = w.Write(content)
			return
		}
		fmt.Fprint(w, `{"tags":[]}`)
	}), Options{Jobs: 1})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body, err := client.Blob(ctx, "a", blobOf(t, content), 0, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, len(content))); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Tags(ctx, "a"); err != nil {
		t.Errorf("Tags() = %v beside a blob that has been read", err)
	}
}
