using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Settings;
using VmSim.Core.VirtualTime;

namespace VmSim.Core.Exploring;

/// <summary>A message of a run.</summary>
/// <param name="Message">The message.</param>
/// <param name="SentAt">When its sender wrote it.</param>
/// <param name="Undelayed">When it would have been there without the run's schedule.</param>
internal readonly record struct SentMessage(SimMessage Message, long SentAt, long Undelayed)
{
    public long Due => Message.Due.Value;
}

/// <summary>An access of a run.</summary>
internal readonly record struct RunAccess(long Time, int Core, int Space, AccessKind Kind, ulong Page, ulong Frame, long FilledAt);

/// <summary>An operation of a space: a fault, call or fork.</summary>
internal record struct RunOperation(int Space, long Id, int Core, long Start, long VisibleAt, long Returned, object What);

/// <summary>Notes what happens in a run. One object serves many runs, one after another.</summary>
internal sealed class RunRecord : ISendWatch, IRunWatch
{
    /// <summary>The most messages, and the most accesses, of a world to explore: far fewer have more orders than can be tried.</summary>
    private const int EventsMax = 10_000;

    private readonly List<SentMessage> _messages = [];
    private readonly List<RunAccess> _accesses = [];
    private readonly List<RunOperation> _operations = [];
    private World? _world;
    private (SentMessage[] Messages, RunAccess[] Accesses, RunOperation[] Operations) _mark = ([], [], []);

    /// <summary>The messages, in the order in which the engine came to write them.</summary>
    public List<SentMessage> Messages => _messages;

    /// <summary>The accesses, in the order in which the engine came to them; those of a core by time.</summary>
    public List<RunAccess> Accesses => _accesses;

    /// <summary>Operations of spaces, in the order in which the engine came to them; those of a space by time.</summary>
    public List<RunOperation> Operations => _operations;

    /// <summary>The world that runs.</summary>
    public World World => _world!;

    /// <summary>Cores of the machine: receivers from here on are spaces.</summary>
    public int Cores { get; private set; }

    /// <summary>A run begins.</summary>
    public void Begin(World world)
    {
        Forget();
        _world = world;
        Cores = world.Cores.Count;
        world.WatchedBy(this, this);
    }

    /// <summary>Remembers what was noted until now, for <see cref="Rewind"/>.</summary>
    public void Mark() => _mark = ([.. _messages], [.. _accesses], [.. _operations]);

    /// <summary>The world was put back to where it stood at the mark.</summary>
    public void Rewind()
    {
        Forget();
        _messages.AddRange(_mark.Messages);
        _accesses.AddRange(_mark.Accesses);
        _operations.AddRange(_mark.Operations);
    }

    /// <summary>What was noted is not needed any more.</summary>
    public void Forget()
    {
        _messages.Clear();
        _accesses.Clear();
        _operations.Clear();
    }

    /// <inheritdoc/>
    /// <exception cref="ScenarioException">The world is too large to be explored.</exception>
    public void Sent(in SimMessage message, Cycles undelayed)
    {
        Cycles now = message.Sender < Cores ? World.Cores[message.Sender].Now : World.Spaces[message.Sender - Cores].Now;
        Bound(_messages.Count);
        _messages.Add(new SentMessage(message, now.Value, undelayed.Value));
    }

    /// <inheritdoc/>
    /// <exception cref="ScenarioException">The world is too large to be explored.</exception>
    public void Accessed(Cycles time, CoreId core, SpaceId space, AccessKind kind, ulong page, ulong frame, Cycles filledAt)
    {
        Bound(_accesses.Count);
        _accesses.Add(new RunAccess(time.Value, core.Value, space.Value, kind, page, frame, filledAt.Value));
    }

    /// <inheritdoc/>
    public void Began(SpaceId space, long operation, CoreId core, Cycles time, Cycles visibleAt, object what) =>
        _operations.Add(new RunOperation(space.Value, operation, core.Value, time.Value, visibleAt.Value, long.MaxValue, what));

    /// <inheritdoc/>
    public void Returned(SpaceId space, long operation, Cycles time)
    {
        for (int i = _operations.Count - 1; i >= 0; i--)
        {
            if (_operations[i].Id == operation && _operations[i].Space == space.Value)
            {
                _operations[i] = _operations[i] with { Returned = time.Value };
                return;
            }
        }
    }

    private static void Bound(int events)
    {
        if (events >= EventsMax)
        {
            throw new ScenarioException(
                $"a run of more than {EventsMax:N0} messages or accesses found; explore tries the orders of a small world: a few cores, "
                    + "threads of a few operations");
        }
    }
}
