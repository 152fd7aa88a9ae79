using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Programs;

namespace VmSim.Core.Validation;

/// <summary>When a stretch of a program begins, and what had been counted by then.</summary>
/// <param name="Time">The thread's time.</param>
/// <param name="Interrupts">Invalidation interrupts that the second processor had handled.</param>
/// <param name="Faults">Minor faults on the thread's processor.</param>
internal readonly record struct Mark(Cycles Time, long Interrupts, long Faults);

/// <summary>
/// Notes where a thread stands as it goes from one stretch of its program to the next. A core reads the next block when it has done the
/// last, so a stream that ends its blocks where stretches end is asked at those moments. The world is run by a sequential engine.
/// </summary>
/// <param name="core">The thread's core.</param>
internal sealed class Probe(int core)
{
    private readonly List<Mark> _marks = [];

    /// <summary>The world that runs; set before it does.</summary>
    public World? World { get; set; }

    /// <summary>The beginning of each stretch, and the end of the last.</summary>
    public IReadOnlyList<Mark> Marks => _marks;

    /// <summary>Whether the thread has come to the end of its program.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The stream of a thread's stretches, each a block of operations.</summary>
    public IOperationStream Open(IEnumerable<ulong[]> stretches) => new Stream(this, stretches.GetEnumerator());

    private void Note()
    {
        CoreModel own = World!.Cores[core];
        _marks.Add(
            new Mark(
                own.Now,
                World.Cores[Math.Min(1, World.Cores.Count - 1)].Counters[CoreCounters.InvalidationsHandled],
                own.Counters[CoreCounters.MinorFaults]));
    }

    private sealed class Stream(Probe probe, IEnumerator<ulong[]> stretches) : IOperationStream
    {
        private ulong[] _stretch = [];
        private int _position;

        public int Read(Span<ulong> destination)
        {
            while (_position == _stretch.Length)
            {
                probe.Note();
                if (!stretches.MoveNext())
                {
                    probe.HasEnded = true;
                    return 0;
                }

                _stretch = stretches.Current;
                _position = 0;
            }

            int count = Math.Min(destination.Length, _stretch.Length - _position);
            _stretch.AsSpan(_position, count).CopyTo(destination);
            _position += count;
            return count;
        }
    }
}
