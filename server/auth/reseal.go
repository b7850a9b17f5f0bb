package auth

import (
	"context"
	"fmt"

	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// Reseal binds the database to another secret and seals with it whatever was sealed with the former one, all or nothing.
// It gives how many values that were.
func Reseal(ctx context.Context, st *store.Store, from, to *secret.Key) (int, error) {
	// The audit writes its last row in the same transaction, when its end is sealed anew already.
	st.Audit.Unlock(to)
	return st.Reseal(ctx, from.Prefix(), func(purpose, value string) (string, error) {
		switch {
		case purpose == "setting:"+settingCheck:
			return to.CheckValue(), nil
		case !from.Sealed(value):
			return value, nil
		}
		plain, err := from.Open(purpose, value)
		if err != nil {
			return "", fmt.Errorf("what is kept as %s cannot be sealed anew: %w", purpose, explain(err))
		}
		return to.Seal(purpose, plain)
	})
}
