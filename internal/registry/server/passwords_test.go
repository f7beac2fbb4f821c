package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// checked are passwords whose checks a test holds in its hand: each waits for a value in goOn,
// where that is not nil.
type checked struct {
	*Passwords
	goOn           chan struct{}
	begun, running atomic.Int64
	most           atomic.Int64 // checks that ran at the same time
}

func newChecked(t *testing.T) *checked {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("s3cret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	c := &checked{}
	if c.Passwords, err = ParsePasswords([]byte("robot:" + string(hash))); err != nil {
		t.Fatal(err)
	}
	compare := c.compare
	c.compare = func(hash, password []byte) error {
		c.begun.Add(1)
		defer c.running.Add(-1)
		for now, most := c.running.Add(1), c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
		}
		if c.goOn != nil {
			<-c.goOn
		}
		return compare(hash, password)
	}
	return c
}

// login asks as a client at an address.
func (c *checked) login(t *testing.T, address, password string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/", nil)
	r.RemoteAddr = address
	r.SetBasicAuth("robot", password)
	w := httptest.NewRecorder()
	Authenticate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), c.Passwords).ServeHTTP(w, r)
	return w
}

// waiting waits until so many checks of a client are under way or wait.
func (c *checked) waiting(t *testing.T, client string, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		c.turns.mu.Lock()
		l := c.turns.lines[netip.MustParseAddr(client)]
		got := 0
		if l != nil {
			got = l.length
		}
		c.turns.mu.Unlock()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d checks of %s wait, want %d", got, client, want)
		}
	}
}

// What was checked is not checked again, right or wrong.
func TestPasswordsAreRemembered(t *testing.T) {
	c := newChecked(t)
	for range 5 {
		for password, want := range map[string]int{"s3cret": http.StatusOK, "wrong": http.StatusUnauthorized} {
			if got := c.login(t, "192.0.2.1:1000", password).Code; got != want {
				t.Errorf("login with %q = %d, want %d", password, got, want)
			}
		}
	}
	if got := c.begun.Load(); got != 2 {
		t.Errorf("%d passwords were checked, want 2", got)
	}
}

// What is remembered has bounds.
func TestWrongPasswordsAreForgotten(t *testing.T) {
	var r recent
	for i := range 3 * mostWrong {
		r.add(attempt{byte(i), byte(i >> 8)})
	}
	if len(r.set) != mostWrong {
		t.Errorf("%d wrong passwords are remembered, want %d", len(r.set), mostWrong)
	}
	last := 3*mostWrong - 1
	if !r.has(attempt{byte(last), byte(last >> 8)}) || r.has(attempt{}) {
		t.Error("the last wrong password is forgotten, or the first one is not")
	}
}

// Who tries passwords without end gets one checked after the other, and keeps nobody out.
func TestAGuesserKeepsNobodyOut(t *testing.T) {
	c := newChecked(t)
	c.goOn = make(chan struct{})
	const guesses = 40
	var guessers sync.WaitGroup
	for i := range guesses {
		guessers.Go(func() { c.login(t, "192.0.2.66:1000", fmt.Sprint("guess ", i)) })
	}
	c.waiting(t, "192.0.2.66", guesses)
	admitted := make(chan int, 1)
	go func() { admitted <- c.login(t, "192.0.2.1:1000", "s3cret").Code }()
	c.waiting(t, "192.0.2.1", 1)
	for ended := 0; ; ended++ {
		select {
		case c.goOn <- struct{}{}:
		case got := <-admitted:
			if got != http.StatusOK || ended > guesses/2 {
				t.Errorf("login = %d after %d checks, want %d before the guesser's %d", got, ended, http.StatusOK, guesses)
			}
			close(c.goOn)
			guessers.Wait()
			if most := c.most.Load(); most > 2 {
				t.Errorf("%d passwords of two clients were checked at the same time", most)
			}
			return
		}
	}
}

// Too many at once are told to come back, but not who has been let in before.
func TestTooManyPasswordsAtOnce(t *testing.T) {
	c := newChecked(t)
	if got := c.login(t, "192.0.2.1:1000", "s3cret").Code; got != http.StatusOK {
		t.Fatalf("login = %d, want %d", got, http.StatusOK)
	}
	c.goOn = make(chan struct{})
	var guessers sync.WaitGroup
	for i := range mostWaiting {
		guessers.Go(func() { c.login(t, "192.0.2.1:1000", fmt.Sprint("guess ", i)) })
	}
	c.waiting(t, "192.0.2.1", mostWaiting)
	refused := c.login(t, "192.0.2.1:1000", "one more")
	if refused.Code != http.StatusTooManyRequests || refused.Header().Get("Retry-After") == "" {
		t.Errorf("one password more = %d and the header %v, want %d and when to come back", refused.Code, refused.Header(), http.StatusTooManyRequests)
	}
	if got := c.login(t, "192.0.2.1:1000", "s3cret").Code; got != http.StatusOK {
		t.Errorf("a login that was right before = %d, want %d", got, http.StatusOK)
	}
	close(c.goOn)
	guessers.Wait()
	if n := len(c.turns.lines); n != 0 {
		t.Errorf("%d clients are remembered that ask for nothing", n)
	}
}

// Whoever owns a network of IPv6 is one client, however many addresses they take.
func TestHousehold(t *testing.T) {
	tests := []struct{ client, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3::4", "2001:db8:1:2::"},
		{"fe80::1%eth0", "fe80::"},
	}
	for _, tt := range tests {
		if got := household(netip.MustParseAddr(tt.client)).String(); got != tt.want {
			t.Errorf("household(%s) = %s, want %s", tt.client, got, tt.want)
		}
	}
}
