package naming

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// What a Secret or a ConfigMap has as base64 is read as the pod reads it; of a secret only the image is
// told. A login names registries, and no image.
func TestProofReadsEncodedText(t *testing.T) {
	in := func(kind, field, rest, text string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: x}\n%s%s: {conf: %q}\n", kind, rest, field, base64.StdEncoding.EncodeToString([]byte(text)))
	}
	const text = "password: precious quay.io/a/side:1\n"
	tests := []struct {
		name, object string
		want         []string
	}{
		{"secret", in("Secret", "data", "", text), []string{"Secret x data.conf: quay.io/a/side:1"}},
		{"binary", in("ConfigMap", "binaryData", "", text), []string{"ConfigMap x binaryData.conf: password: precious quay.io/a/side:1"}},
		{"login", in("Secret", "data", "type: kubernetes.io/dockerconfigjson\n", `{"auths":{"vendor.example.com":{}}}`), nil},
		{"no text", in("Secret", "data", "", "\x00\xff quay.io/a/side:1"), nil},
		{"no base64", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {conf: fine}\n", nil},
	}
	for _, tt := range tests {
		proof := Proof{Target: ref.Folder{Host: "registry.example.com"}, Origin: Origin{Folders: []ref.Folder{{Host: "vendor.example.com"}}}}
		var got []string
		for _, place := range proof.Check(render(t, sample(t, tt.object, nil), nil)).Open {
			got = append(got, place.Use.String()+": "+place.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: Check() (-want +got):\n%s", tt.name, diff)
		}
	}
}
