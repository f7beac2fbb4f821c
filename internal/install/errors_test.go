package install

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

func TestOptionsDoNotShowCredentials(t *testing.T) {
	opts := Options{Credentials: pullsecret.Credentials{Username: "a", Password: "s3cret"}}
	if text := fmt.Sprintf("%v %+v %#v", opts, opts, opts.Credentials); strings.Contains(text, "s3cret") {
		t.Errorf("printing options shows the password: %s", text)
	}
}
