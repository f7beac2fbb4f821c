package remote_test

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

func TestMayPush(t *testing.T) {
	owner := registrytest.Account{Username: "owner", Password: "pw"}
	puller := registrytest.Account{Username: "puller", Password: "pw", PullOnly: true}
	reg := registrytest.Distribution(t, registrytest.Options{
		Accounts: []registrytest.Account{owner, puller}, Tokens: &registrytest.TokenOptions{},
	})
	for _, tt := range []struct {
		account registrytest.Account
		want    bool
	}{{owner, true}, {puller, false}} {
		client, err := remote.New(reg.Host, remote.Options{Keychain: registrytest.Keychain{reg.Host: tt.account}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := client.MayPush(t.Context(), "team/image"); got != tt.want || err != nil {
			t.Errorf("MayPush(%s) = %v, %v, want %v", tt.account.Username, got, err, tt.want)
		}
	}
}
