package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// conversation is how the program that measures talks with the processes it has started: lines of JSON. When its end
// comes, for whatever reason, the other side stops.
type conversation struct {
	in  *bufio.Reader
	out *json.Encoder
}

func newConversation(in io.Reader, out io.Writer) *conversation {
	return &conversation{in: bufio.NewReader(in), out: json.NewEncoder(out)}
}

func (c *conversation) say(v any) error { return c.out.Encode(v) }

// hear reads the next line; io.EOF when the other side has ended.
func (c *conversation) hear(v any) error {
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// untilEnd gives a context that ends with the conversation, and the lines heard until then.
func (c *conversation) untilEnd(ctx context.Context) (context.Context, <-chan command) {
	ctx, cancel := context.WithCancel(ctx)
	commands := make(chan command)
	go func() {
		defer cancel()
		for {
			var next command
			if c.hear(&next) != nil {
				return
			}
			select {
			case commands <- next:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, commands
}

// command is what a server in a process of its own can be told.
type command struct {
	// Profile names a file to profile the CPU into; "" ends that.
	Profile string
}

// process is a role in a process of its own.
type process struct {
	*conversation
	cmd   *exec.Cmd
	input io.Closer
	role  string
}

// spawn starts this program under a role and tells it its settings.
func spawn(ctx context.Context, role string, settings any) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", role, err)
	}
	p := &process{conversation: newConversation(out, in), cmd: cmd, input: in, role: role}
	if err := p.say(settings); err != nil {
		return nil, errors.Join(fmt.Errorf("telling the %s its settings: %w", role, err), p.end())
	}
	return p, nil
}

// hear reads the next line, and says who failed when there is none.
func (p *process) hear(v any) error {
	if err := p.conversation.hear(v); err != nil {
		return fmt.Errorf("hearing from the %s: %w", p.role, err)
	}
	return nil
}

// end lets the process stop, and waits for it.
func (p *process) end() error {
	err := p.input.Close()
	kill := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := errors.Join(err, p.cmd.Wait()); err != nil {
		return fmt.Errorf("ending the %s: %w", p.role, err)
	}
	return nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }
