using System.Diagnostics;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;
using VmSim.Core.Paging;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>The undo log: what an operation did to frames and objects, so that a refusal takes all of it back.</summary>
public sealed partial class SpaceMemory
{
    private readonly List<UndoStep> _undo = [];
    private readonly List<Savepoint> _savepoints = [];
    private readonly PageRanges _guardsBefore = new();
    private ResidentPages _residentBefore;
    private UndoMark _mark;
    private bool _journaling;
    private int _sealedSteps;

    private enum UndoKind : byte
    {
        Allocated,
        ExclusiveSet,
        ExclusiveCleared,
        ObjectPageInserted,
        ObjectPageRemoved,
        ObjectDirtied,
        ObjectCleaned,
        ObjectMapped,
    }

    /// <summary>Whether the operation wanted a frame, a reference or a table page that was not there.</summary>
    internal bool RanOut { get; private set; }

    /// <inheritdoc/>
    int IUndoablePageTable.Mark()
    {
        _savepoints.Add(new Savepoint(MarkSteps(), Table.Mark(), _resident, _effects, _release?.Position));
        return _savepoints.Count;
    }

    /// <inheritdoc/>
    void IUndoablePageTable.Rollback(int mark)
    {
        Savepoint savepoint = TakeSavepoint(mark);
        Table.Rollback(savepoint.Mark);
        UndoTo(savepoint.Steps);
        _resident = savepoint.Resident;
        _effects = savepoint.Effects;
        TrimForced();
        if (savepoint.Release is { } position)
        {
            _release!.CutTo(position);
        }
        else
        {
            _release = null;
        }
    }

    /// <inheritdoc/>
    void IUndoablePageTable.Commit(int mark)
    {
        Savepoint savepoint = TakeSavepoint(mark);
        Table.Commit(savepoint.Mark);
        JoinSteps(savepoint.Steps);
    }

    private Savepoint TakeSavepoint(int mark)
    {
        Debug.Assert(mark == _savepoints.Count, "the newest savepoint goes first");
        Savepoint savepoint = _savepoints[^1];
        _savepoints.RemoveAt(_savepoints.Count - 1);
        _sealedSteps = _savepoints.Count > 0 ? _savepoints[^1].Steps : 0;
        return savepoint;
    }

    /// <summary>Begins an operation that may be refused half way; its page-table stores are journaled.</summary>
    internal void Begin()
    {
        BeginFault();
        _mark = Table.Mark();
        _journaling = true;
    }

    /// <summary>Begins a fault, whose steps are ordered so that nothing fails after the first page-table store.</summary>
    internal void BeginFault()
    {
        Debug.Assert(_undo.Count == 0 && !_journaling, "one operation at a time");
        _residentBefore = _resident;
        _effects = new Effects { TablesBefore = Table.TablePages };
        _holders = null;
        _forced.Clear();
        RanOut = false;
        _gapStart = null;
        if (!Guards.IsEmpty || !_guardsBefore.IsEmpty)
        {
            _guardsBefore.CopyFrom(Guards);
        }
    }

    /// <summary>Keeps what the fault has changed, or takes it back if the fault has failed.</summary>
    internal FaultResult EndFault(FaultKind kind)
    {
        if (kind.IsFailure())
        {
            Rollback();
            return new FaultResult { Kind = kind };
        }

        Commit();
        ReleaseBatch? release = TakeRelease();
        return new FaultResult
        {
            Kind = kind,
            PagesMapped = _effects.MappedByFault,
            TablesAllocated = Table.TablePages - _effects.TablesBefore,
            Dead = Dead(release is not null),
            Release = release,
            ReadAheadPages = _effects.ReadAhead,
            Work = _effects.Work,
        };
    }

    /// <summary>Ends a system call that succeeded.</summary>
    internal MmResult EndCall(int areas, long pagesShared = 0, int childTables = 0, Errno errno = Errno.None)
    {
        EndForced();
        NoteFreedTables();
        Commit();
        ReleaseBatch? release = TakeRelease();
        int released = release?.Tables.Count ?? 0;
        DeadTranslations? last = Dead(release is not null, released);
        return new MmResult
        {
            Errno = errno,
            Dead = AllDead(last),
            DeadAtEnd = last,
            Forced = _forced.Count > 0 ? [.. _forced] : [],
            Release = release,
            Areas = areas,
            PagesZapped = _effects.Zapped,
            PagesProtected = _effects.Protected,
            PagesPopulated = _effects.Populated,
            PopulateFaults = _effects.Faults,
            PagesResident = _effects.Resident,
            PagesCollapsed = _effects.Collapsed,
            PagesMoved = _effects.Moved,
            PagesShared = pagesShared,
            Work = _effects.Work,
            ReadAheadPages = _effects.ReadAhead,
            PagesWrittenBack = _effects.WrittenBack,
            TablesAllocated = Table.TablePages - _effects.TablesBefore + released + childTables,
            TablesReleased = released,
        };
    }

    /// <summary>What the operation gave up, with the table pages that became empty.</summary>
    private ReleaseBatch? TakeRelease()
    {
        if (Table.FreedTables.Length > 0)
        {
            (_release ??= new ReleaseBatch()).Tables = Table.TakeFreedTables();
        }

        ReleaseBatch? release = _release;
        _release = null;
        return release;
    }

    /// <summary>
    /// Keeps what the operation did. Objects that lost their last mapping give up their frames, and what was promised for them.
    /// </summary>
    private void Commit()
    {
        foreach (UndoStep step in _undo)
        {
            if (step is { Kind: UndoKind.ObjectMapped, Object: { MappedPages: 0, IsCached: false } unmapped })
            {
                Frames.Promised -= unmapped.PromisedPages;
                unmapped.PromisedPages = 0;
                foreach (ulong page in unmapped.PagesFrom(0))
                {
                    Give(unmapped.Remove(page), 1);
                }
            }
        }

        if (_journaling)
        {
            Table.Commit(_mark);
            _journaling = false;
        }

        _undo.Clear();
        _sealedSteps = 0;
    }

    /// <summary>Makes everything as it was at the beginning.</summary>
    internal void Rollback()
    {
        if (_journaling)
        {
            Table.Rollback(_mark);
            _journaling = false;
        }

        UndoTo(0);
        if (!Guards.IsEmpty || !_guardsBefore.IsEmpty)
        {
            Guards.CopyFrom(_guardsBefore);
        }

        _resident = _residentBefore;
        _effects = default;
        TrimForced();
        _release = null;
    }

    /// <summary>Takes back the newest steps of an operation, down to the first <paramref name="steps"/>.</summary>
    private void UndoTo(int steps)
    {
        for (int index = _undo.Count - 1; index >= steps; index--)
        {
            Undo(_undo[index]);
        }

        _undo.RemoveRange(steps, _undo.Count - steps);
    }

    /// <summary>A point that <see cref="UndoTo"/> can go back to.</summary>
    private int MarkSteps() => _sealedSteps = _undo.Count;

    private void Undo(UndoStep step)
    {
        switch (step.Kind)
        {
            case UndoKind.Allocated:
                Frames.Release(PhysAddr.OfPage(step.Page), step.Count);
                break;
            case UndoKind.ExclusiveSet:
            case UndoKind.ExclusiveCleared:
                for (ulong page = step.Page; page < step.Page + step.Count; page++)
                {
                    Frames.SetExclusive(PhysAddr.OfPage(page), step.Kind == UndoKind.ExclusiveCleared);
                }

                break;
            case UndoKind.ObjectPageInserted:
                step.Object!.Remove(step.Page);
                break;
            case UndoKind.ObjectPageRemoved:
                step.Object!.Insert(step.Page, PhysAddr.OfPage(step.Count));
                break;
            case UndoKind.ObjectDirtied:
            case UndoKind.ObjectCleaned:
                step.Object!.SetDirty(step.Page, step.Kind == UndoKind.ObjectCleaned);
                break;
            default:
                step.Object!.MappedPages -= (long)step.Page;
                break;
        }
    }

    private void Log(UndoKind kind, PhysAddr frame, ulong count)
    {
        UndoStep step = new(kind, frame.PageNumber, count, null);
        if (_undo.Count > _sealedSteps && Continues(_undo[^1], step))
        {
            _undo[^1] = _undo[^1] with { Count = _undo[^1].Count + count };
            return;
        }

        _undo.Add(step);
    }

    /// <summary>Joins the one step since a savepoint with the one before it, if they are about adjacent frames.</summary>
    private void JoinSteps(int first)
    {
        if (_undo.Count == first + 1 && first > _sealedSteps && Continues(_undo[first - 1], _undo[first]))
        {
            _undo[first - 1] = _undo[first - 1] with { Count = _undo[first - 1].Count + _undo[first].Count };
            _undo.RemoveAt(first);
        }
    }

    private static bool Continues(in UndoStep last, in UndoStep next) =>
        last.Kind == next.Kind && next.Object is null && last.Page + last.Count == next.Page;

    private void LogObject(UndoKind kind, MemoryObject source, ulong page) => _undo.Add(new UndoStep(kind, page, 0, source));

    /// <summary>Logs that an object lost the page that a frame held.</summary>
    private void LogObject(UndoKind kind, MemoryObject source, ulong page, PhysAddr frame) =>
        _undo.Add(new UndoStep(kind, page, frame.PageNumber, source));

    private readonly record struct Savepoint(
        int Steps, UndoMark Mark, ResidentPages Resident, Effects Effects, (int Runs, FrameRun Last, long References)? Release);

    private readonly record struct UndoStep(UndoKind Kind, ulong Page, ulong Count, MemoryObject? Object);
}
