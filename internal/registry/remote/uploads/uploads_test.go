package uploads_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/uploads"
)

const (
	host       = "registry.example.com:5000"
	repository = "team/app"
	address    = "/v2/team/app/blobs/uploads/7?_state=abc%3D"
)

func blob(n int) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", n)} }

// private is a folder of the user's alone.
func private(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "uploads")
}

func open(t *testing.T, dir string) *uploads.Journal {
	t.Helper()
	journal, err := uploads.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return journal
}

func location(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// note keeps an address as a run does that ends there.
func note(t *testing.T, journal *uploads.Journal, n int) {
	t.Helper()
	claim := journal.Claim(host, repository, blob(n))
	if err := claim.Note(location(t, "https://"+host+address)); err != nil {
		t.Fatal(err)
	}
	claim.Release()
}

// addressOf is what the next run finds.
func addressOf(journal *uploads.Journal, n int) string {
	claim := journal.Claim(host, repository, blob(n))
	defer claim.Release()
	return claim.Address()
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestUploadsAreRemembered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "uploads")
	note(t, open(t, dir), 1)
	journal := open(t, dir)
	if got := addressOf(journal, 1); got != address {
		t.Errorf("Address() = %q, want %q", got, address)
	}
	for what, claim := range map[string]*uploads.Claim{
		"another blob":       journal.Claim(host, repository, blob(2)),
		"another registry":   journal.Claim("other.example.com", repository, blob(1)),
		"another repository": journal.Claim(host, "team/other", blob(1)),
	} {
		if got := claim.Address(); got != "" {
			t.Errorf("Address() = %q for %s, want none", got, what)
		}
		claim.Release()
	}
	claim := journal.Claim(host, repository, blob(1))
	claim.Forget()
	claim.Release()
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("%v are left of an upload that is forgotten", left)
	}
}

// Nobody but the user reads the journal. A folder that others may read is left alone.
func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "uploads")
	note(t, open(t, dir), 1)
	for _, name := range append(files(t, dir), dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm() & 0o077; got != 0 {
			t.Errorf("%s has the mode %v, want nothing for others", name, info.Mode())
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := uploads.Open(dir); err == nil {
		t.Error("Open() takes a folder that others may read")
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder is %v, %v, want its mode left alone", info, err)
	}
}

// What is not the journal's own stays, however old it is.
func TestForeignFilesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "uploads")
	open(t, dir)
	for _, name := range []string{"notes.json", "a.lock", "b.tmp", "c"} {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(-2*uploads.KeptFor)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	if left := files(t, dir); len(left) != 4 {
		t.Errorf("%v are left of 4 files that are somebody else's", left)
	}
}

// What leads elsewhere than to an upload in the very repository is not kept, and what was kept
// before is no longer so.
func TestAddressesThatAreNotKept(t *testing.T) {
	for _, to := range []string{
		"https://storage.example.com/bucket/7?X-Amz-Signature=secret",
		"https://user:secret@" + host + address,
		"https://" + host + "/v2/team/other/blobs/uploads/7",
		"https://" + host + "/v2/team/app/manifests/v1",
		"https://" + host + "/v2/team/app/blobs/uploads/../../manifests/v1",
		"https://" + host + "/v2/team/app/blobs/uploads/" + strings.Repeat("7", 10_000),
	} {
		journal := open(t, private(t))
		note(t, journal, 1)
		claim := journal.Claim(host, repository, blob(1))
		if err := claim.Note(location(t, to)); err != nil {
			t.Errorf("Note(%.60s) = %v", to, err)
		}
		claim.Release()
		if got := addressOf(journal, 1); got != "" {
			t.Errorf("Address() = %q after the upload went on at %.60s, want none", got, to)
		}
	}
}

// A journal that is damaged, or was tampered with, is as if it were empty.
func TestDamagedJournal(t *testing.T) {
	good := fmt.Sprintf(`{"registry":%q,"repository":%q,"digest":%q,"address":%q}`, host, repository, blob(1), address)
	for _, content := range []string{
		"", "{", good[:len(good)/2], "null", "[]", `{"address":"` + address + `"}`,
		strings.Replace(good, host, "evil.example.com", 1),
		strings.Replace(good, blob(1).String(), blob(2).String(), 1),
		strings.Replace(good, address, "https://evil.example.com"+address, 1),
		strings.Replace(good, address, "//evil.example.com"+address, 1),
		strings.Replace(good, address, "/v2/team/app/manifests/v1", 1),
		strings.Replace(good, address, "/v2/team/app/blobs/uploads/../../manifests/v1", 1),
		strings.Repeat(" ", 1<<20) + good,
	} {
		dir := private(t)
		journal := open(t, dir)
		note(t, journal, 1)
		name := files(t, dir)[0]
		if !strings.HasSuffix(name, ".json") {
			t.Fatalf("the first file is %s", name)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := addressOf(open(t, dir), 1); got != "" {
			t.Errorf("Address() = %q where the file holds %.80q, want none", got, content)
		}
		note(t, journal, 1)
		if got := addressOf(journal, 1); got != address {
			t.Errorf("Address() = %q once the file is written again, want %q", got, address)
		}
	}
}

// Nothing is read or written through a link.
func TestLinksAreNotFollowed(t *testing.T) {
	elsewhere, dir := filepath.Join(t.TempDir(), "file"), private(t)
	journal := open(t, dir)
	note(t, journal, 1)
	entry := files(t, dir)[0]
	if err := os.Rename(entry, elsewhere); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, entry); err != nil {
		t.Fatal(err)
	}
	if got := addressOf(journal, 1); got != "" {
		t.Errorf("Address() = %q through a link, want none", got)
	}
	claim := journal.Claim(host, repository, blob(1))
	defer claim.Release()
	if err := claim.Note(location(t, "https://"+host+"/v2/team/app/blobs/uploads/8")); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(elsewhere); err != nil || string(after) != string(before) {
		t.Errorf("the file behind the link holds %q, %v, want it as it was", after, err)
	}
	if _, err := uploads.Open(entry + "/x"); err == nil {
		t.Error("Open() takes a file for a folder")
	}
}

// An upload is one process's at a time, and free again once that has ended, however it did.
func TestOneProcessAtATime(t *testing.T) {
	if dir := os.Getenv("PGRELOCATE_TEST_JOURNAL"); dir != "" {
		if open(t, dir).Claim(host, repository, blob(1)) == nil {
			t.Fatal("the upload is taken")
		}
		fmt.Println("taken")
		time.Sleep(time.Hour) // until it is killed
	}
	dir := private(t)
	note(t, open(t, dir), 1)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self, "-test.run=^TestOneProcessAtATime$")
	other.Env = append(os.Environ(), "PGRELOCATE_TEST_JOURNAL="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		t.Fatal(err)
	}
	journal := open(t, dir) // which leaves alone what is in use
	if claim := journal.Claim(host, repository, blob(1)); claim != nil {
		t.Error("Claim() takes what another process has")
	}
	if claim := journal.Claim(host, repository, blob(2)); claim == nil {
		t.Error("Claim() does not take another upload meanwhile")
	} else {
		claim.Release()
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if got := addressOf(journal, 1); got != address {
		t.Errorf("Address() = %q once the other process is dead, want %q", got, address)
	}
}

// Two of one process do not share an upload either.
func TestOneClaimAtATime(t *testing.T) {
	journal := open(t, private(t))
	for range 3 { // with a new lock file each time
		first := journal.Claim(host, repository, blob(1))
		if second := journal.Claim(host, repository, blob(1)); second != nil {
			t.Error("Claim() gives one upload twice")
		}
		first.Release()
	}
}

// age makes an upload one that was last heard of a while ago.
func age(t *testing.T, dir string, n int, by time.Duration) {
	t.Helper()
	probe := private(t)
	note(t, open(t, probe), n)
	name := filepath.Join(dir, filepath.Base(files(t, probe)[0]))
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(-by)); err != nil {
		t.Fatal(err)
	}
}

// A journal is bounded in number: the oldest go.
func TestNumberIsBounded(t *testing.T) {
	dir := private(t)
	journal := open(t, dir)
	const more = 3
	for n := range uploads.MostKept + more {
		note(t, journal, n)
	}
	for n := range more {
		age(t, dir, n, time.Hour)
	}
	journal = open(t, dir)
	if got, want := len(files(t, dir)), 2*uploads.MostKept; got != want {
		t.Errorf("%d files are left, want %d: an entry and a lock for each upload", got, want)
	}
	for n, want := range []string{"", "", "", address} {
		if got := addressOf(journal, n); got != want {
			t.Errorf("Address() of upload %d = %q, want %q", n, got, want)
		}
	}
}

// What is old goes, and so does what a process that was killed has left half done.
func TestAgeIsBounded(t *testing.T) {
	dir := private(t)
	note(t, open(t, dir), 1)
	note(t, open(t, dir), 2)
	age(t, dir, 1, uploads.KeptFor+time.Minute)
	age(t, dir, 2, uploads.KeptFor-time.Minute)
	for _, name := range []string{strings.Repeat("0", 32) + ".lock", strings.Repeat("1", 32) + "-123.tmp"} {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	journal := open(t, dir)
	if left := files(t, dir); len(left) != 2 {
		t.Errorf("%v are left, want an entry and its lock", left)
	}
	for n, want := range map[int]string{1: "", 2: address} {
		if got := addressOf(journal, n); got != want {
			t.Errorf("Address() of upload %d = %q, want %q", n, got, want)
		}
	}
}

// Where nothing can be kept, nothing fails but the opening.
func TestNowhereToKeep(t *testing.T) {
	if _, err := uploads.Open("/dev/null/uploads"); err == nil {
		t.Error("Open() succeeds below a file")
	}
	var journal *uploads.Journal
	claim := journal.Claim(host, repository, blob(1))
	if err := claim.Note(location(t, "https://"+host+address)); claim != nil || err != nil || claim.Address() != "" {
		t.Errorf("no journal gives the claim %v, %v", claim, err)
	}
	claim.Forget()
	claim.Release()

	dir := private(t)
	kept := open(t, dir).Claim(host, repository, blob(1))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := kept.Note(location(t, "https://"+host+address)); err == nil || kept.Address() != "" {
		t.Errorf("Note() = %v with the address %q where the folder is gone, want an error and none", err, kept.Address())
	}
	kept.Release()
}

// Who can put files into the folder, of what is checked out for example, holds nobody up with a link, and
// has nothing written where it leads.
func TestALinkInTheLocksPlace(t *testing.T) {
	for what, target := range map[string]string{"nothing": "elsewhere", "a file": "there"} {
		dir := private(t)
		journal := open(t, dir)
		note(t, journal, 1)
		locks, err := filepath.Glob(filepath.Join(dir, "*.lock"))
		if err != nil || len(locks) != 1 {
			t.Fatalf("there are the locks %q (%v), want one", locks, err)
		}
		outside := filepath.Join(filepath.Dir(dir), target)
		if what == "a file" {
			err = os.WriteFile(outside, []byte("precious"), 0o600)
		}
		if err := errors.Join(err, os.Remove(locks[0]), os.Symlink(outside, locks[0])); err != nil {
			t.Fatal(err)
		}
		if claim := journal.Claim(host, repository, blob(1)); claim != nil {
			t.Errorf("Claim() where the lock is a link to %s is a claim, want none", what)
		}
		if err := os.Remove(strings.TrimSuffix(locks[0], ".lock") + ".json"); err != nil {
			t.Fatal(err)
		}
		open(t, dir) // clears locks without entries away
		body, err := os.ReadFile(outside)
		if what == "nothing" && !errors.Is(err, fs.ErrNotExist) || what == "a file" && string(body) != "precious" {
			t.Errorf("where the link leads to %s there is %q (%v) now", what, body, err)
		}
	}
}
