using System.Collections;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Programs;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Exploring;

/// <summary>
/// A world of a script that is made once and put back for each run to where the scripts begin: until then every run of every script is
/// the same. The steps of the script are given to it for each run.
/// </summary>
internal sealed class ScriptWorld : IDisposable
{
    private readonly SmallWorld _first;
    private readonly RunRecord _record;
    private readonly LateProgram[] _programs;
    private readonly World _world;
    private readonly WorldMark _mark;

    /// <summary>The steps of the last world without delays, and its image.</summary>
    private (IReadOnlyList<IReadOnlyList<ScriptStep>> Steps, ProgramImage Image) _undelayed;

    private ScriptWorld(SmallWorld first, RunRecord record, LateProgram[] programs, World world, WorldMark mark)
    {
        _first = first;
        _record = record;
        _programs = programs;
        _world = world;
        _mark = mark;
        _undelayed = ([], first.Program.Build(first.Base.Processes[0].Name, first.Threads));
    }

    /// <summary>Makes one, and has it run to where scripts begin.</summary>
    /// <param name="world">The first world that it is for.</param>
    /// <param name="protocol">The shootdown protocol; null for the one that the scenario names.</param>
    /// <param name="record">Notes what happens in its runs.</param>
    /// <returns>Null if something of the scripts has happened by then, or if the world cannot be put back.</returns>
    public static ScriptWorld? TryMake(SmallWorld world, IShootdownProtocol? protocol, RunRecord record)
    {
        ScenarioSpec scenario = world.With(OrderSchedule.None);
        ProcessSpec first = scenario.Processes[0];
        ProgramImage image = world.Program.Build(first.Name, world.Threads);
        int lead = world.Program.LeadOperations;
        LateProgram[] programs = [.. image.Threads.Select(thread => new LateProgram(thread, lead))];
        ProgramImage late = image with { Threads = [.. programs.Select(program => program.Program)] };
        World run = new(scenario with { Processes = [first with { Program = _ => late }, .. scenario.Processes.Skip(1)] }, true, protocol);
        WorldMark? mark = null;
        try
        {
            mark = Lead(run, world, record) && !Array.Exists(programs, program => program.IsBegun) ? WorldMark.Of(run, record) : null;
        }
        catch (NotSupportedException)
        {
            // A protocol or backend keeps what is not plain data: every run is made from the beginning.
        }
        finally
        {
            if (mark is null)
            {
                run.Dispose();
            }
        }

        record.Mark();
        return mark is null ? null : new ScriptWorld(world, record, programs, run, mark);
    }

    /// <summary>Whether it can run another world: one that differs from the first in steps alone.</summary>
    public bool Serves(SmallWorld world) =>
        ReferenceEquals(world.Base, _first.Base) && world.Program == _first.Program && world.Threads.Count == _first.Threads.Count
            && world.Program.MappedPages(world.Threads) == _first.Program.MappedPages(_first.Threads);

    /// <summary>The world where a script begins.</summary>
    /// <returns>Null if it is of no use any more.</returns>
    public World? Begin(SmallWorld world, OrderSchedule schedule)
    {
        if (!_mark.Restore())
        {
            return null;
        }

        _record.Rewind();
        ProgramImage image = ImageOf(world, schedule);
        for (int i = 0; i < _programs.Length; i++)
        {
            _programs[i].Become(image.Threads[i]);
        }

        _world.Delay(schedule.Messages, _record);
        return _world;
    }

    /// <inheritdoc/>
    public void Dispose() => _world.Dispose();

    /// <summary>What a world runs under a schedule; most schedules leave the steps as they are.</summary>
    private ProgramImage ImageOf(SmallWorld world, OrderSchedule schedule)
    {
        IReadOnlyList<IReadOnlyList<ScriptStep>> steps = schedule.Apply(world.Threads);
        if (!ReferenceEquals(steps, _undelayed.Steps))
        {
            ProgramImage image = world.Program.Build(world.Base.Processes[0].Name, steps);
            if (!ReferenceEquals(steps, world.Threads))
            {
                return image;
            }

            _undelayed = (steps, image);
        }

        return _undelayed.Image;
    }

    /// <summary>Runs to the last end of a window before which nothing can be delayed.</summary>
    private static bool Lead(World run, SmallWorld world, RunRecord record)
    {
        record.Begin(run);
        if (run.Domains.Count != 1)
        {
            return false;
        }

        SequentialEngine engine = new(run);
        while (Horizon(run.Domains[0]) < world.From)
        {
            if (engine.Run(windows: 1) || run.Checker!.Violated)
            {
                return false;
            }
        }

        return record.Messages.TrueForAll(sent => sent.SentAt < world.From);
    }

    private static long Horizon(Domain domain) => Math.Min(
        domain.Cores.Min(core => core.NextTime.Value), domain.Groups.Min(group => group.NextDue.Value));

    /// <summary>A thread whose steps are said when it comes to them.</summary>
    private sealed class LateProgram
    {
        private readonly int _lead;
        private ThreadProgram _current;

        public LateProgram(ThreadProgram first, int lead)
        {
            _current = first;
            _lead = lead;
            Program = first with { Open = () => new Stream(this), SystemCalls = new Calls(this) };
        }

        /// <summary>What the world runs.</summary>
        public ThreadProgram Program { get; }

        /// <summary>Whether steps have been read.</summary>
        public bool IsBegun { get; private set; }

        public void Become(ThreadProgram current) => _current = current;

        private sealed class Stream(LateProgram program) : IOperationStream
        {
            private IOperationStream? _steps;
            private bool _isLed;

            public int Read(Span<ulong> operations)
            {
                if (!_isLed)
                {
                    _isLed = true;
                    return program._current.Open().Read(operations[..program._lead]);
                }

                if (_steps is null)
                {
                    program.IsBegun = true;
                    _steps = program._current.Open();
                    Span<ulong> skipped = stackalloc ulong[program._lead];
                    _steps.Read(skipped);
                }

                return _steps.Read(operations);
            }
        }

        private sealed class Calls(LateProgram program) : IReadOnlyList<SystemCall>
        {
            public int Count => program._current.SystemCalls.Count;

            public SystemCall this[int index] => program._current.SystemCalls[index];

            public IEnumerator<SystemCall> GetEnumerator() => program._current.SystemCalls.GetEnumerator();

            IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
        }
    }
}
