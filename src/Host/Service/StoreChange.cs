using System.Data.Common;

namespace VmSim.Host.Service;

/// <summary>A change of a store that somebody waits for.</summary>
internal abstract class StoreChange
{
    /// <summary>Makes the change in a transaction, which may be undone; then it is made again.</summary>
    public abstract void Make(DbConnection connection);

    /// <summary>The change is on the disk.</summary>
    public abstract void Succeed();

    /// <summary>The change has not been made, or nobody knows.</summary>
    public abstract void Fail(Exception reason);
}

/// <summary>A change that gives something.</summary>
/// <param name="work">Makes it.</param>
/// <typeparam name="T">What it gives.</typeparam>
internal sealed class StoreChange<T>(Func<DbConnection, T> work) : StoreChange
{
    private readonly TaskCompletionSource<T> _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    /// <summary>Ends when the change is on the disk.</summary>
    public Task<T> Made => _made.Task;

    /// <inheritdoc/>
    public override void Make(DbConnection connection) => _result = work(connection);

    /// <inheritdoc/>
    public override void Succeed() => _made.SetResult(_result!);

    /// <inheritdoc/>
    public override void Fail(Exception reason) => _made.SetException(reason);
}
