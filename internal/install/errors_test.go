package install

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

func TestOptionsDoNotShowCredentials(t *testing.T) {
	opts := Options{Credentials: cluster.Credentials{Username: "a", Password: "s3cret"}}
	if text := fmt.Sprintf("%v %+v %#v", opts, opts, opts.Credentials); strings.Contains(text, "s3cret") {
		t.Errorf("printing options shows the password: %s", text)
	}
}
