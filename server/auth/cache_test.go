package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

func hashNumber(n int) [sha256.Size]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func TestCacheIsBoundedAndGuessesPushNothingOut(t *testing.T) {
	c := newCache(hub.New())
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	right := &tokenKnowledge{until: now.Add(knownTime)}
	c.putToken(0, hashNumber(-1), right)
	for i := range 3 * maxWrong {
		c.putToken(0, hashNumber(i), &tokenKnowledge{until: now.Add(knownTime), refusal: errors.New("wrong")})
	}
	if n := len(c.wrong.recent) + len(c.wrong.older); n > maxWrong || n < maxWrong/2 {
		t.Errorf("%d guesses remembered, want at most %d", n, maxWrong)
	}
	if known, _ := c.getToken(hashNumber(-1), now); known != right {
		t.Error("guesses pushed out what was right")
	}
	if known, _ := c.getToken(hashNumber(3*maxWrong-1), now); known == nil {
		t.Error("the last guess is not remembered")
	}
	if known, _ := c.getToken(hashNumber(-1), now.Add(knownTime)); known != nil {
		t.Error("knowledge outlives its time")
	}
}

func TestCacheForgetsWhenCredentialsChange(t *testing.T) {
	h := hub.New()
	c := newCache(h)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	put := func(epoch uint64) {
		c.putOwn(epoch, &ownKnowledge{until: now.Add(knownTime)})
		c.putToken(epoch, hashNumber(0), &tokenKnowledge{until: now.Add(knownTime)})
	}
	knows := func() bool {
		own, epoch := c.getOwn(now)
		token, same := c.getToken(hashNumber(0), now)
		if (own == nil) != (token == nil) || epoch != same {
			t.Fatal("half is known")
		}
		return own != nil
	}
	_, before := c.getOwn(now)
	put(before)
	if !knows() {
		t.Fatal("nothing is remembered")
	}
	h.WakeLocal(hub.Events)
	if !knows() {
		t.Error("forgotten for something else")
	}
	h.WakeLocal(hub.Credentials)
	if knows() {
		t.Error("known after credentials changed")
	}
	put(before)
	if knows() {
		t.Error("what was read before the change got in after it")
	}
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	u := newUsage(nil, nil, nil)
	known := &tokenKnowledge{principal: Principal{TokenID: "x"}}
	noted := func(now api.Time) bool {
		clear(u.waiting)
		u.note(known, now)
		return len(u.waiting) == 1
	}
	start := api.Time(1_772_366_400_000)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Second, false}, {usedStep, false}, {usedStep + time.Millisecond, true}, {usedStep + time.Second, false}} {
		if got := noted(start.Add(step.after)); got != step.want {
			t.Errorf("after %v: noted %v, want %v", step.after, got, step.want)
		}
	}
}

func TestRandomTextUsesEveryCharacterAlike(t *testing.T) {
	for _, alphabet := range []string{readable, lower} {
		const n = 200_000
		text := randomText(alphabet, n)
		if len(text) != n {
			t.Fatalf("%d characters, want %d", len(text), n)
		}
		share := n / float64(len(alphabet))
		for _, c := range alphabet {
			// Six standard deviations: one false alarm in hundreds of millions of characters.
			if got := float64(strings.Count(text, string(c))); math.Abs(got-share) > 6*math.Sqrt(share) {
				t.Errorf("%q comes %v times, want about %v", c, got, share)
			}
		}
	}
}

func TestNewTokensLookLikeTokens(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := newToken()
		if !looksLikeToken(token) || seen[token] {
			t.Fatalf("made %q, made before %v", token, seen[token])
		}
		seen[token] = true
	}
	for _, text := range []string{
		"", "wk_", newToken()[1:], newToken() + "0", strings.ToUpper(newToken()), "wk_" + strings.Repeat("-", tokenDigits),
	} {
		if looksLikeToken(text) {
			t.Errorf("%q looks like a token", text)
		}
	}
}
