package readiness

import "testing"

// Messages as kubelets and containerd write them.
func TestEssence(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"containerd 1.6", `rpc error: code = Unknown desc = failed to pull and unpack image "r.example.com/a:1": failed to resolve reference "r.example.com/a:1": pulling from host r.example.com failed with status code [manifests 1]: 401 Unauthorized`,
			"pulling from host r.example.com failed with status code [manifests 1]: 401 Unauthorized"},
		{"back off with the answer", `Back-off pulling image "r.example.com/a:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "r.example.com/a:1": failed to resolve reference "r.example.com/a:1": r.example.com/a:1: not found`,
			"r.example.com/a:1: not found"},
		{"back off alone", `Back-off pulling image "r.example.com/a:1"`, ""},
		{"event", `Failed to pull image "r.example.com/a:1": rpc error: code = Unknown desc = x509: certificate signed by unknown authority`,
			"x509: certificate signed by unknown authority"},
		{"something else", "no space left on device", "no space left on device"},
	}
	for _, tt := range tests {
		if got := essence(tt.message); got != tt.want {
			t.Errorf("%s: essence(%q) = %q, want %q", tt.name, tt.message, got, tt.want)
		}
	}
}
