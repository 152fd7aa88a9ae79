using VmSim.Core.Engine;

namespace VmSim.Core.Exploring;

/// <summary>
/// Runs a world message by message: each message of cores and spaces that somebody would tell of, in the order in which they are taken.
/// Between two of them the world has come somewhere between the two, at most a window farther.
/// </summary>
public sealed class MessageSteps
{
    private readonly RunRecord _record = new();
    private readonly SequentialEngine _engine;
    private readonly PriorityQueue<SentMessage, (long Due, int Sender, long Sequence)> _waiting = new();
    private long _horizon = -1;
    private bool _hasEnded;

    /// <summary>Begins with a world at time 0.</summary>
    public MessageSteps(World world)
    {
        ArgumentNullException.ThrowIfNull(world);
        _record.Begin(world);
        _engine = new SequentialEngine(world);
        Lanes = [.. world.Cores.Select(core => $"core {core.Core}"), .. world.Spaces.Select(space => space.Name)];
    }

    /// <summary>The names of cores and then of spaces.</summary>
    public IReadOnlyList<string> Lanes { get; }

    /// <summary>The world, as far as it has come.</summary>
    public World World => _record.World;

    /// <summary>Takes the next message; null if there is none any more.</summary>
    public StoryMessage? Next(CancellationToken cancellation = default)
    {
        while (true)
        {
            long horizon = _hasEnded ? World.Scenario.LatestEnd : _horizon;
            while (_waiting.TryPeek(out SentMessage sent, out _) && sent.Due < horizon)
            {
                _waiting.Dequeue();
                if (RunStory.TextOf(World, sent.Message) is { } text)
                {
                    return new StoryMessage(
                        sent.Message.Sender, sent.Message.Target, sent.SentAt, sent.Due, text, sent.Due - sent.Undelayed,
                        sent.Message.Sequence);
                }
            }

            if (_hasEnded || cancellation.IsCancellationRequested)
            {
                return null;
            }

            _hasEnded = _engine.Run(windows: 1, cancellation) || World.Checker is { Violated: true };
            foreach (SentMessage sent in _record.Messages)
            {
                _waiting.Enqueue(sent, (sent.Due, sent.Message.Sender, sent.Message.Sequence));
            }

            _record.Forget();
            _horizon = World.Domains.SelectMany(domain =>
                domain.Cores.Select(core => core.NextTime.Value).Concat(domain.Groups.Select(group => group.NextDue.Value)))
                .DefaultIfEmpty(long.MaxValue).Min();
        }
    }
}
