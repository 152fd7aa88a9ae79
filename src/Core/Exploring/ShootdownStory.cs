using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Exploring;

/// <summary>
/// The messages of one shootdown: what the initiator's core sent to the kernel before, invalidations and their acknowledgements, and the
/// return of the operation.
/// </summary>
/// <param name="Record">The shootdown.</param>
/// <param name="Space">Name of its address space.</param>
/// <param name="Messages">
/// The messages, by the time at which they leave. Lanes are cores by their numbers; the space's is <paramref name="SpaceLane"/>.
/// </param>
/// <param name="SpaceLane">The lane of the space: the number of cores and its own together.</param>
public sealed record ShootdownStory(ShootdownRecord Record, string Space, IReadOnlyList<StoryMessage> Messages, int SpaceLane)
{
    private const int WindowsAtOnce = 64;

    /// <summary>The cores that were told, in the order of their numbers, and not the initiator's.</summary>
    public IReadOnlyList<int> Targets =>
    [
        .. Messages.Where(message => message.From == SpaceLane && message.To != Record.Initiator.Value)
            .Select(message => message.To).Distinct().Order(),
    ];

    /// <summary>Runs a scenario until one of its shootdowns is over.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="space">Number of the address space, from 0.</param>
    /// <param name="number">Number of the shootdown in the space, from 1.</param>
    /// <param name="cancellation">Ends the run.</param>
    /// <returns>The story; null if the run has no such shootdown, or was ended before it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such space.</exception>
    public static ShootdownStory? Find(ScenarioSpec scenario, int space, long number, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        using World world = new(scenario, lists: new RunLists { Shootdowns = true });
        ArgumentOutOfRangeException.ThrowIfNegative(space);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(space, world.Spaces.Count);
        Watch watch = new(world, space, number);
        world.WatchedBy(watch, run: null);
        SequentialEngine engine = new(world);
        while (!watch.IsOver && !engine.Run(WindowsAtOnce, cancellation) && !cancellation.IsCancellationRequested)
        {
            // The next windows.
        }

        return watch.Tell();
    }

    /// <summary>Notes the messages of one shootdown, and of its initiator's core the last ones before it.</summary>
    private sealed class Watch(World world, int space, long number) : ISendWatch
    {
        private readonly int _lane = world.Cores.Count + space;
        private readonly StoryMessage?[] _entries = new StoryMessage?[world.Cores.Count];
        private readonly StoryMessage?[] _returns = new StoryMessage?[world.Cores.Count];
        private readonly List<StoryMessage> _messages = [];
        private int _unanswered;
        private int _initiator = -1;
        private bool _hasReturned;

        /// <summary>Whether all that were told have answered and the operation has returned.</summary>
        public bool IsOver => _hasReturned && _unanswered == 0;

        public void Sent(in SimMessage message, Cycles undelayed)
        {
            bool isOfSpace = message.Sender == _lane || message.Target == _lane;
            if (!isOfSpace || IsOver)
            {
                return;
            }

            switch (message.Kind)
            {
                case MessageKind.Fault or MessageKind.SystemCall:
                    _entries[message.Sender] = Told(message);
                    break;
                case MessageKind.Invalidate when message.AsInvalidation().Shootdown == number:
                    Add(message);
                    _unanswered += message.AsInvalidation().IsLocal ? 0 : 1;
                    break;
                case MessageKind.Ack when message.AsAck().Shootdown == number:
                    Add(message);
                    _unanswered--;
                    break;
                case MessageKind.TrapReturn when message.Target == _initiator && !_hasReturned:
                    Add(message);
                    _hasReturned = true;
                    break;
                case MessageKind.TrapReturn:
                    _returns[message.Target] = Told(message);
                    break;
            }
        }

        /// <summary>What was noted; null if the shootdown did not come.</summary>
        public ShootdownStory? Tell() => Find() is { } record
            ? new ShootdownStory(
                record, world.Spaces[space].Name, [.. _messages.OrderBy(message => message.SentAt.Value)], _lane)
            : null;

        private void Add(in SimMessage message)
        {
            ShootdownRecord? record = Find();
            if (_initiator < 0 && record is { } begun)
            {
                _initiator = begun.Initiator.Value;
                if (_entries[_initiator] is { } entry)
                {
                    _messages.Add(entry);
                }

                // An operation that tells nobody but its own core may have written its return before.
                if (_returns[_initiator] is { } already && already.SentAt >= begun.BegunAt)
                {
                    _messages.Add(already);
                    _hasReturned = true;
                }
            }

            StoryMessage told = Told(message);
            if (message.Sender == _lane && record is { } sent && told.SentAt < sent.BegunAt && sent.BegunAt < told.Due)
            {
                // The space writes what it sends a little later, when its work before that is done.
                told = told with { SentAt = sent.BegunAt };
            }

            _messages.Add(told);
        }

        private ShootdownRecord? Find()
        {
            IReadOnlyList<ShootdownRecord> records = world.Spaces[space].ShootdownLog.Records;
            for (int i = records.Count - 1; i >= 0; i--)
            {
                if (records[i].Id == number)
                {
                    return records[i];
                }
            }

            return null;
        }

        private StoryMessage Told(in SimMessage message)
        {
            // A core that acknowledges at the entry of its handler has come farther when it writes that.
            Cycles now = message.Sender < world.Cores.Count ? world.Cores[message.Sender].Now : world.Spaces[space].Now;
            Cycles latest = message.Sender < world.Cores.Count ? message.Due - world.Delays.CoreToSpace : message.Due;
            now = now > latest ? latest : now;
            return new StoryMessage(
                message.Sender, message.Target, now, message.Due, RunStory.TextOf(world, message)!, new Cycles(0), message.Sequence);
        }
    }
}
