using System.Reflection;
using VmSim.Core.Statistics;

namespace VmSim.Core.Memory.Backends;

/// <summary>Says that a backend counts something of its own for each address space.</summary>
[AttributeUsage(AttributeTargets.Class)]
public abstract class CountsAttribute : Attribute
{
    private protected CountsAttribute()
    {
    }

    /// <summary>What a class of backends counts, all 0; null for nothing.</summary>
    /// <param name="backend">The class.</param>
    public static CounterSet? Of(Type backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return backend.GetCustomAttribute<CountsAttribute>()?.Make();
    }

    /// <summary>Makes the set that it names.</summary>
    private protected abstract CounterSet Make();
}

/// <summary>Says what a backend counts for each address space: reports have it behind what every run counts.</summary>
/// <typeparam name="TCounters">
/// The class that declares the counters; the backend gets at those of a space by <see cref="MemoryBackend.CountersOf"/>.
/// </typeparam>
[AttributeUsage(AttributeTargets.Class)]
public sealed class CountsAttribute<TCounters> : CountsAttribute
    where TCounters : CounterSet<TCounters>, new()
{
    private protected override CounterSet Make() => new TCounters();
}
