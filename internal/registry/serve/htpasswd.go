package serve

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// Passwords are the users of an htpasswd file.
type Passwords struct {
	hashes map[string][]byte
	// nobody is compared with where there is no such user, so that the time does not tell.
	nobody []byte

	mu sync.Mutex
	// known remembers what was right: bcrypt is slow on purpose, and a pull asks often.
	known map[[sha256.Size]byte]bool
}

// ParsePasswords reads an htpasswd file, as "htpasswd -B" writes it: only bcrypt is
// taken. Errors name the line and never what stands in it.
func ParsePasswords(data []byte) (*Passwords, error) {
	p := &Passwords{hashes: make(map[string][]byte), known: make(map[[sha256.Size]byte]bool)}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, hash, ok := strings.Cut(line, ":")
		if !ok || user == "" {
			return nil, fmt.Errorf("line %d is not USER:HASH", n)
		}
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return nil, fmt.Errorf("line %d has no bcrypt hash; write it with htpasswd -B", n)
		}
		p.hashes[user], p.nobody = []byte(hash), []byte(hash)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(p.hashes) == 0 {
		return nil, errors.New("no user in it")
	}
	return p, nil
}

// right tells whether the password is the user's.
func (p *Passwords) right(user, password string) bool {
	hash, ok := p.hashes[user]
	if !ok {
		hash = p.nobody
	}
	key := sha256.Sum256([]byte(user + "\x00" + password + "\x00" + string(hash)))
	p.mu.Lock()
	known := p.known[key]
	p.mu.Unlock()
	if known {
		return true
	}
	if match := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil; !match || !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[key] = true
	return true
}

// Authenticate lets nobody through to next but the users of the file.
func Authenticate(next http.Handler, p *Passwords) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := r.BasicAuth()
		if !ok || !p.right(user, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="pgrelocate"`)
			fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
			return
		}
		next.ServeHTTP(w, r)
	})
}
