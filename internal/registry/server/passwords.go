package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// Passwords are the users of an htpasswd file. Checking one is slow on purpose: what has been
// checked is remembered, and the checks of one client, and of all together, are bounded.
type Passwords struct {
	hashes map[string][]byte
	// nobody is compared with where there is no such user, so that the time does not tell.
	nobody  []byte
	compare func(hash, password []byte) error
	turns   *turns

	mu    sync.Mutex
	right map[string]attempt // by user
	wrong recent
}

// attempt is a digest of a user's name and a password.
type attempt [sha256.Size]byte

// ParsePasswords reads an htpasswd file, as "htpasswd -B" writes it: only bcrypt is
// taken. Errors name the line and never what stands in it.
func ParsePasswords(data []byte) (*Passwords, error) {
	p := &Passwords{
		hashes: map[string][]byte{}, compare: bcrypt.CompareHashAndPassword,
		turns: newTurns(), right: map[string]attempt{},
	}
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

// check tells whether the password is the user's. A client that asks for too much at once is
// told errBusy.
func (p *Passwords) check(ctx context.Context, client netip.Addr, user, password string) (bool, error) {
	tried := attempt(sha256.Sum256([]byte(user + "\x00" + password)))
	if ok, known := p.remembered(user, tried); known {
		return ok, nil
	}
	done, err := p.turns.take(ctx, client)
	if err != nil {
		return false, err
	}
	defer done()
	if ok, known := p.remembered(user, tried); known { // whoever was before us asked the same
		return ok, nil
	}
	hash, ok := p.hashes[user]
	if !ok {
		hash = p.nobody
	}
	ok = p.compare(hash, []byte(password)) == nil && ok
	p.remember(user, tried, ok)
	return ok, nil
}

func (p *Passwords) remembered(user string, tried attempt) (ok, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if right, found := p.right[user]; found && right == tried {
		return true, true
	}
	return false, p.wrong.has(tried)
}

// remember keeps one right password for each user, and the last wrong ones of all.
func (p *Passwords) remember(user string, tried attempt, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		p.right[user] = tried
		return
	}
	p.wrong.add(tried)
}

// mostWrong is how many wrong passwords are remembered: those of machines that have an old
// one and keep trying it.
const mostWrong = 1024

// recent are the last of what was added. The zero value is ready.
type recent struct {
	ring [mostWrong]attempt
	next int
	set  map[attempt]bool
}

func (r *recent) has(a attempt) bool { return r.set[a] }

func (r *recent) add(a attempt) {
	if r.set == nil {
		r.set = make(map[attempt]bool, mostWrong)
	}
	delete(r.set, r.ring[r.next])
	r.ring[r.next], r.set[a] = a, true
	r.next = (r.next + 1) % mostWrong
}
