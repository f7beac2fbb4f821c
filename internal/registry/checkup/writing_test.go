package checkup_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/checkup"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// filesOf are what a registry keeps.
func filesOf(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		// Debian's registry leaves the first hash of an upload that it has cancelled.
		if err == nil && !entry.IsDir() && !strings.Contains(path, "/hashstates/") {
			all = append(all, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Uploads that are opened are cancelled: a real registry keeps what it kept before.
func TestUploadsLeaveNothing(t *testing.T) {
	server := holding(t, registrytest.Debian(t, registrytest.Options{}), "team/app", "team/other")
	before := filesOf(t, server.Root)
	var told []string
	opts := checkup.Options{Write: checkup.Uploads, Told: func(s string) { told = append(told, s) }}
	result := patient{Registry: server, Options: opts}.look(t)
	wants(t, result, "push", finding.OK, "team/app takes uploads")
	wants(t, result, "created on push", finding.OK, "all repositories are there")
	wants(t, result, "chunks", finding.OK, "taken in chunks")
	wants(t, result, "size limit", finding.OK, "a body of 4 GiB is not refused")
	wants(t, result, "mount", finding.OK, "blobs are mounted")
	if diff := cmp.Diff(before, filesOf(t, server.Root)); diff != "" {
		t.Errorf("the registry keeps something else than before:\n%s", diff)
	}
	if len(told) != 1 || !strings.Contains(told[0], "/team/app") {
		t.Errorf("told %q beforehand, want where uploads are opened", told)
	}
}

// An image that is put is deleted; of a repository that is not there yet that is said.
func TestManifestsLeaveNothing(t *testing.T) {
	server := holding(t, registrytest.Debian(t, registrytest.Options{}), "team/app")
	result := patient{Registry: server, Options: checkup.Options{Write: checkup.Manifests}}.look(t)
	wants(t, result, "manifest", finding.OK, "takes a small image, gives it back, and deletes it")
	wants(t, result, "created on push", finding.OK, "team/other is not there, and takes uploads")
	wants(t, result, "quota", finding.OK, "room for a small image")
	links := 0
	for _, file := range filesOf(t, server.Root) {
		if strings.Contains(file, "/_uploads/") || strings.Contains(file, "team/other") {
			t.Errorf("%s is left", file)
		}
		if strings.Contains(file, "/_layers/") {
			links++
		}
	}
	if want := 5; links > want {
		t.Errorf("team/app has %d blobs, want those of its image", links)
	}
}

// Whoever interrupts leaves nothing behind either.
func TestInterruptedWhileWriting(t *testing.T) {
	for _, kind := range []registrytest.Kind{registrytest.PutManifest, registrytest.PatchUpload, registrytest.PutUpload} {
		t.Run(string(kind), func(t *testing.T) {
			behind := holding(t, registrytest.Debian(t, registrytest.Options{}), "team/app", "team/other")
			before := content(filesOf(t, filepath.Join(behind.Root, "docker/registry/v2/repositories")))
			ctx, cancel := context.WithCancel(t.Context())
			front := registrytest.Front(t, behind, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r)
					if registrytest.Classify(r).Kind == kind {
						cancel()
						time.Sleep(50 * time.Millisecond) // the answer comes too late
					}
				})
			})
			recorder := new(checkup.Recorder)
			client, err := remote.New(front.Host, remote.Options{Side: registry.SideTarget, Observe: recorder.See})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, err = checkup.Run(ctx, checkup.Options{
				Client: client, Recorder: recorder, Side: registry.SideTarget, Write: checkup.Manifests,
				References: []ref.Reference{{Host: front.Host, Repository: "team/app", Tag: "v1"}},
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run() = %v, want that it was interrupted", err)
			}
			after := content(filesOf(t, filepath.Join(behind.Root, "docker/registry/v2/repositories")))
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("something is left:\n%s", diff)
			}
		})
	}
}

// content are the files that are no open upload. Debian's registry says of an upload whose chunk was
// cut off that it knows none, and keeps it until it clears up: nobody can cancel that.
func content(files []string) []string {
	return slices.DeleteFunc(files, func(name string) bool { return strings.Contains(name, "/_uploads/") })
}

// What a registry refuses, and what could be done about it.
func TestRefusals(t *testing.T) {
	answer := func(on faults.Match, status int, code string) registrytest.Middleware {
		return faults.Answer{On: on, Times: faults.Always, Status: status, Code: code, Body: faults.Swallowed}.Fault()
	}
	deletion := func(r *http.Request) bool {
		return r.Method == http.MethodDelete && !strings.Contains(r.URL.Path, "/uploads/")
	}
	for _, tt := range []struct {
		name, probe string
		fault       registrytest.Middleware
		status      finding.Status
		says        string
		remedy      finding.Remedy
	}{
		{"a body limit", "size limit", faults.TooLarge(20 << 20), finding.Warning, "bodies of 100 MiB are refused as too large, and such of 10 MiB are not", checkup.RaiseLimit},
		{"no chunks", "chunks", faults.NoPatch(), finding.Warning, "blobs go in one body", ""},
		{"no mounts", "mount", faults.NoMount(), finding.Warning, "not mounted", ""},
		{"no rights", "push", answer(faults.On(registrytest.StartUpload), 403, "DENIED"), finding.Failed, "403", checkup.Grant},
		{"no new repositories", "created on push", answer(faults.On(registrytest.StartUpload, registrytest.Mount).In("team/absent"), 404, "NAME_UNKNOWN"), finding.Failed, "team/absent", checkup.CreateRepositories},
		{"no deletion", "manifest", answer(deletion, 405, "UNSUPPORTED"), finding.Warning, "in team/app stays the manifest sha256:", checkup.CleanUp},
		{"uploads that stay", "push", answer(faults.On(registrytest.CancelUpload), 405, "UNSUPPORTED"), finding.Warning, "stays open until the registry forgets it", checkup.CleanUp},
		{"no room", "quota", answer(faults.On(registrytest.PutManifest), 403, "DENIED quota exceeded"), finding.Failed, "no room", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			behind := holding(t, registrytest.Debian(t, registrytest.Options{}), "team/app", "team/other")
			opts := checkup.Options{Write: checkup.Manifests, References: []ref.Reference{
				{Repository: "team/app", Tag: "v1"}, {Repository: "team/other", Tag: "v1"}, {Repository: "team/absent", Tag: "v1"},
			}}
			result := patient{Registry: registrytest.Front(t, behind, tt.fault), Options: opts}.look(t)
			if found := wants(t, result, tt.probe, tt.status, tt.says); found.Remedy != tt.remedy {
				t.Errorf("the remedy is %q, want %q", found.Remedy, tt.remedy)
			}
		})
	}
}

// A token tells whether it allows pushing, without a byte being written.
func TestTokensTell(t *testing.T) {
	robot := registrytest.Account{Username: "robot", Password: "s3cret"}
	reader := registrytest.Account{Username: "reader", Password: "s3cret", PullOnly: true}
	server := holding(t, registrytest.Debian(t, registrytest.Options{
		Accounts: []registrytest.Account{robot, reader}, Tokens: &registrytest.TokenOptions{Lifetime: 5 * time.Minute},
	}), "team/app")
	result := patient{Registry: server}.look(t)
	wants(t, result, "push", finding.OK, "the token for team/app allows pushing")
	wants(t, result, "token", finding.OK, "tokens live for 5m0s")
	wants(t, result, "authentication", finding.OK, "by tokens of localhost:")
	result = patient{Registry: server, options: remote.Options{Keychain: registrytest.Keychain{server.Host: reader}}}.look(t)
	if found := wants(t, result, "push", finding.Failed, "does not allow pushing"); found.Remedy != checkup.Grant {
		t.Errorf("the remedy is %q", found.Remedy)
	}
	wants(t, result, "pull", finding.OK, "can be read")
	short := registrytest.Debian(t, registrytest.Options{Tokens: &registrytest.TokenOptions{ClaimLifetime: 20 * time.Second}})
	wants(t, patient{Registry: short}.look(t), "token", finding.Warning, "live for 20s only")
}

// Whose registry it is shows in its name and in what it says.
func TestVendors(t *testing.T) {
	for _, tt := range []struct {
		header http.Header
		want   checkup.Vendor
	}{
		{http.Header{}, checkup.Unknown},
		{http.Header{"X-Jfrog-Version": {"Artifactory/7.90"}}, checkup.Artifactory},
		{http.Header{"Server": {"Nexus/3.70.1-02 (OSS)"}}, checkup.Nexus},
		{http.Header{"Gitlab-Container-Registry-Version": {"4.9.0"}}, checkup.GitLab},
	} {
		front := registrytest.Front(t, inProcess(t, registrytest.Options{}), saying(tt.header))
		if got := (patient{Registry: front}).look(t).Vendor; got != tt.want {
			t.Errorf("a registry that says %v is of %q, want %q", tt.header, got, tt.want)
		}
	}
}
