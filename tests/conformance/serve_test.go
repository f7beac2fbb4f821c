package conformance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mirrored is a folder with an image under two tags, and an SBOM for it.
func mirrored(t *testing.T, vendor string) (folder string, image v1.Image) {
	t.Helper()
	folder = t.TempDir()
	image, err := random.Image(10_000, 2)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := partial.Descriptor(image)
	if err != nil {
		t.Fatal(err)
	}
	sbom := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/spdx+json")
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"v17.5-v4.3.1", "v17.4-v4.3.1"} {
		name := map[string]string{"org.opencontainers.image.ref.name": vendor + "/postgres-instance:" + tag}
		if err := path.AppendImage(image, layout.WithAnnotations(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := path.AppendImage(mutate.Subject(sbom, *subject).(v1.Image)); err != nil {
		t.Fatal(err)
	}
	return folder, image
}

// A bundle is a registry that is only read: pulling and discovery, all of them.
func TestServe(t *testing.T) {
	t.Parallel()
	folder, image := mirrored(t, "tanzu-sql-postgres.packages.broadcom.com")
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	host := run(t, `^serving .* on http://(\S+)$`, "serve", "-f", folder, "--listen", "127.0.0.1:0")[0]
	found := suite(t, host, map[string]string{
		"REPO1":    "tanzu-sql-postgres/postgres-instance",
		"API_PUSH": "false", "API_BLOBS_DIGEST_HEADER": "true",
		"API_BLOBS_DELETE": "false", "API_MANIFESTS_DELETE": "false", "API_TAGS_DELETE": "false",
		"RO_DATA_TAGS":      "v17.5-v4.3.1 v17.4-v4.3.1",
		"RO_DATA_MANIFESTS": digest.String(),
		"RO_DATA_BLOBS":     config.String(),
		"RO_DATA_REFERRERS": digest.String(),
	})
	want := []string{
		"Tag listing", "Blob get", "Blob head",
		"Manifest get by digest", "Manifest get by tag", "Manifest head by digest", "Manifest head by tag",
		"Referrers", "Ping", "Invalid Manifest Digest", "Read Only Inputs",
	}
	if diff := cmp.Diff(want, found.kinds["Pass"]); diff != "" {
		t.Errorf("what passed (-want +got):\n%s", diff)
	}
	if len(found.skipped) > 0 {
		t.Errorf("the registry does not do %v", found.skipped)
	}
}
