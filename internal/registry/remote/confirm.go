package remote

import (
	"context"
	"fmt"
)

// confirmed asks for a blob that the registry says it has taken before it can have got all of it: it may
// have had it already, and it may say so whatever comes.
func (u *upload) confirmed(ctx context.Context, handed, size int64) error {
	there, err := u.client.HasBlob(u.retry.Within(ctx), u.repository, u.blob)
	if err == nil && !there {
		err = fmt.Errorf("the registry has taken it after %d of %d bytes, and does not have it", handed, size)
	}
	return err
}
