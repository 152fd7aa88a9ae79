using VmSim.Core.Addresses;

namespace VmSim.Core.Kernel;

/// <summary>One fault or call: whose it was, when, and what it waited for. Times are in cycles.</summary>
public readonly record struct OperationRecord
{
    /// <summary>The address space.</summary>
    public required SpaceId Space { get; init; }

    /// <summary>Its number within the space, from 1.</summary>
    public required long Id { get; init; }

    /// <summary>Whether it is a fault; else it is a call, a fork or the end of the process.</summary>
    public required bool IsFault { get; init; }

    /// <summary>Whose it is.</summary>
    public required ThreadId Thread { get; init; }

    /// <summary>The core on which the thread made it.</summary>
    public required CoreId Core { get; init; }

    /// <summary>The address that faulted, or that a call begins at; 0 for a fork and an exit.</summary>
    public required VirtAddr Address { get; init; }

    /// <summary>Bytes of a call's range as the program gave them; 0 where there is none.</summary>
    public required ulong Bytes { get; init; }

    /// <summary>When its trap reached the kernel.</summary>
    public required Cycles EnteredAt { get; init; }

    /// <summary>When it started, others having held the lock; below 0 if it had not.</summary>
    public required Cycles StartedAt { get; init; }

    /// <summary>When its answer reached the thread; below 0 if it had not at the end of the run.</summary>
    public required Cycles ReturnedAt { get; init; }

    /// <summary>Cycles in which it waited for other cores to invalidate.</summary>
    public required Cycles ShootdownWait { get; init; }

    /// <summary>Whether the call failed, or the access was refused.</summary>
    public required bool Failed { get; init; }

    /// <summary>Number of its cause within the space; below 0 if it had not started.</summary>
    public required int Cause { get; init; }
}
